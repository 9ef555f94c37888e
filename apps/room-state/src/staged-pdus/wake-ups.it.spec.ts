import { connectedConfig, loadConfig } from '@atoll/config';
import { partitionOf, PdusStaged } from '@atoll/contract';
import { type Database, migrateToLatest, openDatabase } from '@atoll/database';
import { testDatabase, testRedis } from '@atoll/embedded';
import type { EventId, RoomId, ServerName } from '@atoll/matrix';
import { Announcer, connectRedis } from '@atoll/redis-streams';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../resident-server.spec-support.js';
import { startRoomState } from '../start-room-state.js';

const PARTITIONS = 4;
/** As long as it takes without any announcement. */
const SWEEP_MS = 10_000;

describe('the owner of a room', () => {
  let database: Database;
  let directory: string;
  let redisUrl: string;
  let config: ReturnType<typeof connectedConfig>;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const [pg, redis] = await Promise.all([testDatabase(), testRedis()]);
    redisUrl = redis.url;
    directory = await mkdtemp(join(tmpdir(), 'atoll-wake-ups-'));
    database = openDatabase({ url: pg.url, poolSize: 1, applicationName: 'wake-ups' });
    await migrateToLatest(database.db);
    config = connectedConfig(
      loadConfig({
        ATOLL_SERVER_NAME: 'hs1',
        ATOLL_DATABASE_URL: pg.url,
        ATOLL_REDIS_URL: redisUrl,
        ATOLL_DATA_DIR: directory,
        ATOLL_PARTITIONS: String(PARTITIONS),
      }),
    );
    close = async () => {
      await database.close();
      await redis.stop();
      await pg.drop();
      await rm(directory, { recursive: true });
    };
  });
  afterAll(() => close());

  /** Of a room that nobody here knows: the owner refuses the event, and the row goes. */
  async function stage(name: string): Promise<RoomId> {
    const roomId = `!${name}:hs2` as RoomId;
    await database.db
      .insertInto('staged_pdus')
      .values({
        room_id: roomId,
        partition: partitionOf(roomId, PARTITIONS),
        event_id: `$${name}` as EventId,
        origin: 'hs2' as ServerName,
        json: '{}',
        received_ts: Date.now(),
      })
      .execute();
    return roomId;
  }

  const isTaken = async (roomId: RoomId) => {
    const rows = database.db.selectFrom('staged_pdus').select('staged_id').where('room_id', '=', roomId);
    return (await rows.execute()).length === 0;
  };

  it('takes what waits when it gets a partition, and what is announced at once', async () => {
    const waiting = await stage('waiting');
    const service = await startRoomState(config);
    await until(() => isTaken(waiting));
    const redis = connectRedis(redisUrl, 'wake-ups');
    const announcer = new Announcer(redis);
    const announced = await stage('announced');
    const began = performance.now();
    // An announcement from before the service reads them is lost: it is a hint, and the sweep would do.
    await until(() => {
      announcer.publish(PdusStaged, { roomId: announced });
      return isTaken(announced);
    });
    expect(performance.now() - began).toBeLessThan(SWEEP_MS / 2);
    redis.disconnect();
    await service.close();
  }, 30_000);
});
