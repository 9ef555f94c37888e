import { EventsCommitted } from '@atoll/contract';
import { type Database, openDatabase } from '@atoll/database';
import { RoomRows } from '@atoll/database/testing';
import type { RoomId, UserId } from '@atoll/matrix';
import { Announcer, connectRedis } from '@atoll/redis-streams';
import type { Cluster } from '@atoll/testing';
import type { Bench } from '../benchmark.js';

/** Rooms whose rows are written and announced as room-state does, without one: its time is not what is measured. */
export class WrittenRooms {
  readonly writer: UserId;
  private created = 0;

  private constructor(
    readonly database: Database,
    readonly announcer: Announcer,
    private readonly serverName: string,
  ) {
    this.writer = `@writer:${serverName}` as UserId;
  }

  static open(bench: Bench, { databaseUrl, redisUrl, serverName }: Cluster): WrittenRooms {
    const database = openDatabase({ url: databaseUrl, poolSize: 4, applicationName: 'bench' });
    bench.atEnd(() => database.close());
    const redis = connectRedis(redisUrl, 'bench');
    bench.atEnd(() => {
      redis.disconnect();
    });
    return new WrittenRooms(database, new Announcer(redis), serverName);
  }

  /** A room of the writer, with these users of other servers joined. */
  async create(members: readonly UserId[]): Promise<RoomRows> {
    const roomId = `!room${(this.created += 1)}:${this.serverName}` as RoomId;
    const room = await RoomRows.create(this.database, { roomId });
    await this.commit(room, async (rows) => {
      for (const member of [this.writer, ...members]) await rows.member(member, 'join');
    });
    return room;
  }

  /** Commits messages of the writer together. Only one commit at a time: the stream has an order. */
  async say(room: RoomRows, words: readonly string[]): Promise<void> {
    await this.commit(room, async (rows) => {
      for (const word of words) await rows.message(this.writer, word);
    });
  }

  private async commit(room: RoomRows, work: (rows: RoomRows) => Promise<void>): Promise<void> {
    await this.database.db.transaction().execute((transaction) => work(room.within(transaction)));
    this.announcer.publish(EventsCommitted, { from: 0, to: 0 });
  }
}
