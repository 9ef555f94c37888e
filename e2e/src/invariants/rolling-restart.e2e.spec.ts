import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serviceNames } from '@atoll/contract';
import {
  RoomLog,
  SteadySyncer,
  SteadyWriter,
  register,
  startCluster,
  type Cluster,
  type TestUser,
} from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { expectNothingLost } from './expect-nothing-lost.js';
import { roomsOfBothOwners } from './writing-rooms.js';

let cluster: Cluster;
let log: RoomLog;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  cluster = await startCluster({ env: testSettings });
  log = await RoomLog.connect(cluster.databaseUrl);
  alice = await register(cluster.clientUrl, 'alice');
  bob = await register(cluster.clientUrl, 'bob');
});
afterAll(async () => {
  await log.close();
  await cluster.stop();
});

test('every instance restarts, one after the other, and nobody notices', async () => {
  const roomIds = await roomsOfBothOwners(alice, log);
  for (const roomId of roomIds) await bob.join(roomId);
  const syncer = new SteadySyncer(bob, (await bob.sync()).next_batch);
  const writer = new SteadyWriter(alice, roomIds, 20);
  await writer.writes(50);
  const calmMs = writer.worstGap.ms;
  writer.resetGap();
  const gaps: Record<string, number> = {};
  for (const instance of serviceNames.flatMap((service) => cluster.instances(service))) {
    await instance.restart();
    await writer.writes(5);
    gaps[instance.instanceId] = Math.round(writer.worstGap.ms);
    writer.resetGap();
  }
  const acknowledged = await writer.stop();
  expect(writer.failures).toEqual([]);
  await syncer.sees(acknowledged.map((one) => one.eventId));
  await syncer.stop();
  expect(syncer.failures).toEqual([]);
  expect(syncer.repeated).toEqual([]);
  await expectNothingLost(bob, log, acknowledged);
  // Less than a second is added. A machine that starts processes beside other work adds its own pauses to some, but far from
  // the 5 s of an owner whose lease has to run out.
  const sorted = Object.values(gaps).sort((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(calmMs + 1000);
  expect(Object.entries(gaps).filter(([, ms]) => ms > 3000)).toEqual([]);
}, 180_000);
