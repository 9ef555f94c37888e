import { setTimeout as sleep } from 'node:timers/promises';
import { type Config, loadConfig } from '@atoll/config';
import {
  type Announcement,
  type AnnouncementPayload,
  EventsCommitted,
  ReceiptsChanged,
} from '@atoll/contract';
import {
  commitInLanes,
  currentPositions,
  type Database,
  migrateToLatest,
  openDatabase,
  ReceiptTransactor,
  UnreadCounter,
} from '@atoll/database';
import { type PlacedRow, RoomRows } from '@atoll/database/testing';
import { testDatabase, type TestDatabase, testRedis } from '@atoll/embedded';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { Announcer, connectRedis, type RedisConnection } from '@atoll/redis-streams';
import type { RunningService } from '@atoll/telemetry';
import { sql } from 'kysely';
import { startPush } from './start-push.js';

const PARTITIONS = 8;
const PATIENCE_MS = 60_000;

export const [ALICE, BOB, CAROL, REMOTE] = ['@alice:hs1', '@bob:hs1', '@carol:hs1', '@remote:hs2'] as [
  UserId,
  UserId,
  UserId,
  UserId,
];

/** What is stored of a thread: notify, highlight. */
export type Counts = Record<string, readonly [number, number]>;

let rooms = 0;

/** A server whose rooms are written by the spec, and whose push services are the real ones. */
export class PushInstallation {
  readonly #services = new Map<string, RunningService>();

  private constructor(
    readonly database: Database,
    private readonly pg: TestDatabase,
    private readonly server: Awaited<ReturnType<typeof testRedis>>,
    private readonly redis: RedisConnection,
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  /** @param settings of all its services, by the names of their variables */
  static async open(settings: Readonly<Record<string, string>> = {}): Promise<PushInstallation> {
    const [pg, server] = await Promise.all([testDatabase(), testRedis()]);
    const database = openDatabase({ url: pg.url, poolSize: 4, applicationName: 'push-spec' });
    await migrateToLatest(database.db);
    return new PushInstallation(database, pg, server, connectRedis(server.url, 'push-spec'), settings);
  }

  async close(): Promise<void> {
    await this.stopPush();
    this.redis.disconnect();
    await this.database.close();
    await this.server.stop();
    await this.pg.drop();
  }

  async startPush(id = '1'): Promise<void> {
    this.#services.set(id, await startPush(this.#config(id)));
  }

  #config(id: string): Config {
    return loadConfig({
      ATOLL_SERVER_NAME: 'hs1',
      ATOLL_DATABASE_URL: this.pg.url,
      ATOLL_REDIS_URL: this.server.url,
      ATOLL_PARTITIONS: String(PARTITIONS),
      ATOLL_INSTANCE_ID: id,
      ATOLL_LOG_LEVEL: 'silent',
      ...this.settings,
    });
  }

  async stopPush(ids = [...this.#services.keys()]): Promise<void> {
    for (const id of ids) {
      await this.#services.get(id)?.close();
      this.#services.delete(id);
    }
  }

  /** A room of Alice in a partition of its own, with these users joined. */
  async room(...members: UserId[]): Promise<RoomRows> {
    rooms += 1;
    const room = await RoomRows.create(this.database, { roomId: `!room${rooms}:hs1` as RoomId });
    await this.database.db
      .updateTable('rooms')
      .set({ partition: rooms % PARTITIONS })
      .where('room_nid', '=', room.roomNid)
      .execute();
    await this.write(room, async (rows) => {
      for (const member of [ALICE, ...members]) await rows.member(member, 'join');
    });
    return room;
  }

  /** One commit to a room, announced like room-state's. */
  async write<T>(room: RoomRows, work: (rows: RoomRows) => Promise<T>): Promise<T> {
    const written = await this.database.db.transaction().execute((trx) => work(room.within(trx)));
    this.#announce(EventsCommitted, { from: 0, to: 0 });
    return written;
  }

  say(room: RoomRows, sender: UserId, content: JsonObject = {}): Promise<PlacedRow> {
    return this.write(room, (rows) =>
      rows.event({ type: 'm.room.message', sender, content: { body: 'x', ...content } }),
    );
  }

  async read(room: RoomRows, userId: UserId, event: PlacedRow, threadId = ''): Promise<void> {
    await commitInLanes(this.database.db, (trx, closing) =>
      new ReceiptTransactor(trx, closing).put([
        {
          roomNid: room.roomNid,
          userId,
          type: 'm.read.private',
          threadId,
          eventId: event.eventId,
          eventPosition: event.position,
          ts: 1,
        },
      ]),
    );
    this.#announce(ReceiptsChanged, { position: 0 });
  }

  /** The rows of a user in a room, when the services have counted everything there is. */
  async counted(room: RoomRows, userId: UserId): Promise<Counts> {
    await this.allCounted();
    const rows = await this.database.db
      .selectFrom('unread_counts as u')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'u.user_nid')
      .select(['u.thread_nid', 'u.notify', 'u.highlight'])
      .where('k.state_key', '=', userId)
      .where('u.room_nid', '=', room.roomNid)
      .execute();
    return Object.fromEntries(rows.map((row) => [row.thread_nid, [row.notify, row.highlight]]));
  }

  /** What a reader finds of the same without anything stored. */
  async recounted(room: RoomRows, userId: UserId): Promise<Counts> {
    const rolledBack = new Error();
    const found: Record<string, readonly [number, number]> = {};
    await this.database.db
      .transaction()
      .execute(async (trx) => {
        await trx.deleteFrom('unread_counts').execute();
        await trx.deleteFrom('push_cursors').execute();
        const counter = new UnreadCounter({ ...this.database, db: trx }, this.#config('spec'));
        const question = { userId, roomNid: room.roomNid, upTo: Number.MAX_SAFE_INTEGER };
        const [answer] = await counter.answer([question]);
        for (const [thread, { notify, highlight }] of answer?.unread ?? [])
          found[thread] = [notify, highlight];
        throw rolledBack;
      })
      .catch((error: unknown) => {
        if (error !== rolledBack) throw error;
      });
    return found;
  }

  /** Waits until nothing is left in the streams that is in a room of a partition behind. */
  async allCounted(): Promise<void> {
    await until('everything counted', async () => {
      const { events, receipts } = await currentPositions(this.database.db);
      const { rows: behind } = await sql`
        SELECT FROM rooms r LEFT JOIN push_cursors c ON c.partition = r.partition
        WHERE EXISTS (SELECT FROM event_positions p WHERE p.room_nid = r.room_nid AND p.position <= ${events}
            AND p.position > coalesce(c.events_position, 0))
          OR EXISTS (SELECT FROM receipts s WHERE s.room_nid = r.room_nid AND s.position <= ${receipts}
            AND s.position > coalesce(c.receipts_position, 0))`.execute(this.database.db);
      return behind.length === 0;
    });
  }

  #announce<A extends Announcement>(announcement: A, payload: AnnouncementPayload<A>): void {
    new Announcer(this.redis).publish(announcement, payload);
  }
}

/** Waits for a condition. @throws Error when it does not come true in time */
export async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`There is no ${what}`);
    await sleep(20);
  }
}
