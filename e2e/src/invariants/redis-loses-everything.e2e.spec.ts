import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort, startRedis, type RedisServer } from '@atoll/embedded';
import { Redis } from 'ioredis';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RoomLog, SteadySyncer, SteadyWriter, register, type Cluster, type TestUser } from '@atoll/testing';
import { expectNothingLost } from './expect-nothing-lost.js';
import { startSmallCluster } from './small-cluster.js';
import { roomsOfBothOwners } from './writing-rooms.js';

const dataDir = mkdtempSync(join(tmpdir(), 'atoll-e2e-redis-'));
let port: number;
let redis: RedisServer;
let cluster: Cluster;
let log: RoomLog;
let alice: TestUser;
let bob: TestUser;

/** Always an empty one, at the same address. */
const emptyRedis = () => startRedis({ dataDir, port, password: 'known', persistent: false });

beforeAll(async () => {
  port = await freePort();
  redis = await emptyRedis();
  cluster = await startSmallCluster({ redisUrl: redis.url });
  log = await RoomLog.connect(cluster.databaseUrl);
  alice = await register(cluster.clientUrl, 'alice');
  bob = await register(cluster.clientUrl, 'bob');
});
afterAll(async () => {
  await log.close();
  await cluster.stop();
  await redis.stop();
});

let writer: SteadyWriter;
let syncer: SteadySyncer;
beforeEach(async () => {
  const roomIds = await roomsOfBothOwners(alice, log);
  for (const roomId of roomIds) await bob.join(roomId);
  syncer = new SteadySyncer(bob, (await bob.sync()).next_batch);
  writer = new SteadyWriter(alice, roomIds, 5);
  await writer.writes(10);
});

async function expectEveryoneHasEverything(): Promise<void> {
  const acknowledged = await writer.stop();
  await syncer.sees(acknowledged.map((one) => one.eventId));
  await syncer.stop();
  expect(syncer.repeated).toEqual([]);
  expect(syncer.failures).toEqual([]);
  await expectNothingLost(bob, log, acknowledged);
}

describe('Redis', () => {
  test('is flushed again and again, while people write and wait', async () => {
    const connection = new Redis(redis.url);
    for (let round = 0; round < 5; round += 1) {
      await connection.flushall();
      await writer.writes(10);
    }
    await connection.quit();
    expect(writer.failures).toEqual([]);
    expect(writer.worstGap.ms).toBeLessThan(5000);
    await expectEveryoneHasEverything();
  });

  test('dies and comes back empty', async () => {
    await redis.stop();
    redis = await emptyRedis();
    await writer.writes(20);
    expect(writer.worstGap.ms).toBeLessThan(10_000);
    expect(writer.failures).toEqual([]);
    await expectEveryoneHasEverything();
  });
});
