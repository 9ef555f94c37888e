import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RoomLog, SteadySyncer, SteadyWriter, register, type Cluster, type TestUser } from '@atoll/testing';
import { expectNothingLost } from './expect-nothing-lost.js';
import { startSmallCluster } from './small-cluster.js';
import { roomsOfBothOwners } from './writing-rooms.js';

let cluster: Cluster;
let log: RoomLog;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  cluster = await startSmallCluster();
  log = await RoomLog.connect(cluster.databaseUrl);
  alice = await register(cluster.clientUrl, 'alice');
  bob = await register(cluster.clientUrl, 'bob');
});
afterAll(async () => {
  await log.close();
  await cluster.stop();
});

test('every connection to PostgreSQL is ended, again and again, while people write and wait', async () => {
  const roomIds = await roomsOfBothOwners(alice, log);
  for (const roomId of roomIds) await bob.join(roomId);
  const syncer = new SteadySyncer(bob, (await bob.sync()).next_batch);
  const writer = new SteadyWriter(alice, roomIds, 0);
  await writer.writes(10);
  for (let round = 0; round < 8; round += 1) {
    expect(await log.endConnections()).toBeGreaterThan(3);
    await writer.writes(10);
  }
  expect(writer.worstGap.ms).toBeLessThan(5000);
  const acknowledged = await writer.stop();
  await syncer.sees(acknowledged.map((one) => one.eventId));
  await syncer.stop();
  expect(syncer.repeated).toEqual([]);
  // Requests in flight may be told to come again; the same request succeeds when it is repeated.
  const unclear = [...writer.failures, ...syncer.failures].filter(
    (failure) => !/^503 \{"errcode":"M_LIMIT_EXCEEDED"/.test(failure),
  );
  expect(unclear).toEqual([]);
  await expectNothingLost(bob, log, acknowledged);
});
