import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@atoll/config';
import { type Announcement, type AnnouncementPayload, EventsCommitted } from '@atoll/contract';
import { type Database, migrateToLatest, openDatabase } from '@atoll/database';
import { RoomRows } from '@atoll/database/testing';
import { testDatabase, type TestDatabase, testRedis } from '@atoll/embedded';
import type { RoomId, UserId } from '@atoll/matrix';
import { Announcer, connectRedis, type RedisConnection } from '@atoll/redis-streams';
import type { RunningService } from '@atoll/telemetry';
import { makeCertificate, Peer } from './peer.spec-support.js';
import { startFederationSender } from './start-federation-sender.js';

export const OWN_NAME = 'hs1';
export const ALICE = `@alice:${OWN_NAME}` as UserId;

let rooms = 0;

/** A server whose rooms are written by the spec, and whose senders are the real ones. */
export class SenderInstallation {
  readonly #senders = new Map<string, RunningService>();
  readonly #peers: Peer[] = [];

  private constructor(
    readonly database: Database,
    private readonly pg: TestDatabase,
    private readonly server: Awaited<ReturnType<typeof testRedis>>,
    private readonly redis: RedisConnection,
    private readonly dataDir: string,
    private readonly certificate: Awaited<ReturnType<typeof makeCertificate>>,
  ) {}

  static async open(): Promise<SenderInstallation> {
    const [pg, server, dataDir, certificate] = await Promise.all([
      testDatabase(),
      testRedis(),
      mkdtemp(join(tmpdir(), 'atoll-sender-')),
      makeCertificate(),
    ]);
    await writeFile(join(dataDir, 'peers.crt'), certificate.cert);
    const database = openDatabase({ url: pg.url, poolSize: 4, applicationName: 'sender-spec' });
    await migrateToLatest(database.db);
    const redis = connectRedis(server.url, 'sender-spec');
    return new SenderInstallation(database, pg, server, redis, dataDir, certificate);
  }

  async close(): Promise<void> {
    await this.stopSenders();
    for (const peer of this.#peers) await peer.down();
    this.redis.disconnect();
    await this.database.close();
    await this.server.stop();
    await this.pg.drop();
    await rm(this.dataDir, { recursive: true });
  }

  async startSender(id = '1'): Promise<void> {
    const config = loadConfig({
      ATOLL_SERVER_NAME: OWN_NAME,
      ATOLL_DATABASE_URL: this.pg.url,
      ATOLL_REDIS_URL: this.server.url,
      ATOLL_DATA_DIR: this.dataDir,
      ATOLL_EXTRA_CA: join(this.dataDir, 'peers.crt'),
      ATOLL_IP_DENYLIST: '',
      ATOLL_PARTITIONS: '16',
      ATOLL_INSTANCE_ID: id,
      ATOLL_LOG_LEVEL: 'silent',
    });
    this.#senders.set(id, await startFederationSender(config));
  }

  async stopSenders(ids = [...this.#senders.keys()]): Promise<void> {
    for (const id of ids) {
      await this.#senders.get(id)?.close();
      this.#senders.delete(id);
    }
  }

  async peer(): Promise<Peer> {
    const peer = await Peer.start(this.certificate);
    this.#peers.push(peer);
    return peer;
  }

  /** A room of Alice, with these users joined. */
  async room(...members: UserId[]): Promise<RoomRows> {
    rooms += 1;
    const room = await RoomRows.create(this.database, { roomId: `!room${rooms}:${OWN_NAME}` as RoomId });
    await this.write(room, async (rows) => {
      for (const member of [ALICE, ...members]) await rows.member(member, 'join');
    });
    return room;
  }

  /** One commit to a room, announced like room-state's. */
  async write<T>(room: RoomRows, work: (rows: RoomRows) => Promise<T>): Promise<T> {
    const written = await this.database.db.transaction().execute((trx) => work(room.within(trx)));
    this.announce(EventsCommitted, { from: 0, to: 0 });
    return written;
  }

  /** Messages of Alice, each in a commit of its own. */
  async say(room: RoomRows, ...words: string[]): Promise<void> {
    for (const word of words) await this.write(room, (rows) => rows.message(ALICE, word));
  }

  announce<A extends Announcement>(announcement: A, payload: AnnouncementPayload<A>): void {
    new Announcer(this.redis).publish(announcement, payload);
  }

  async destination(peer: Peer) {
    return this.database.db
      .selectFrom('destinations')
      .selectAll()
      .where('destination', '=', peer.name)
      .executeTakeFirst();
  }
}

/** `w1` to `w<count>` */
export function words(count: number, prefix = 'w'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}
