import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { path, register, RoomLog, SteadyWriter, type Cluster, type TestUser } from '@atoll/testing';
import { startSmallCluster } from './small-cluster.js';

let cluster: Cluster;
let log: RoomLog;
let alice: TestUser;
let bob: TestUser;
let roomIds: string[];
beforeAll(async () => {
  cluster = await startSmallCluster({ instances: { push: 2 } });
  log = await RoomLog.connect(cluster.databaseUrl);
  alice = await register(cluster.clientUrl, 'alice');
  bob = await register(cluster.clientUrl, 'bob');
  roomIds = await Promise.all(Array.from({ length: 6 }, () => alice.createRoom({ preset: 'public_chat' })));
  for (const roomId of roomIds) await bob.join(roomId);
}, 120_000);
afterAll(async () => {
  await log.close();
  await cluster.stop();
});

/** What Bob's first sync tells, by room. */
async function told(): Promise<Map<string, number | undefined>> {
  const { rooms } = await bob.sync();
  return new Map(
    roomIds.map((id) => [id, rooms?.join?.[id]?.unread_notifications?.notification_count] as const),
  );
}

/** What Alice has said in each room after Bob's last receipt there. */
async function said(readUpTo: ReadonlyMap<string, string>): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const id of roomIds) {
    const events = await log.events(id);
    const from = events.findIndex(({ eventId }) => eventId === readUpTo.get(id));
    counts.set(id, events.slice(from + 1).filter(({ type }) => type === 'm.room.message').length);
  }
  return counts;
}

test('counts are exact while the services that count are killed, and Redis forgets, in a flood', async () => {
  const redis = new Redis(cluster.redisUrl);
  const nothing = new Map<string, string>();
  const readUpTo = new Map<string, string>();
  const writer = new SteadyWriter(alice, roomIds, 0);
  const isBetween = async () => {
    const before = await said(nothing);
    const now = await told();
    const after = await said(nothing);
    for (const id of roomIds) {
      expect(now.get(id)).toBeGreaterThanOrEqual(before.get(id) ?? 0);
      expect(now.get(id)).toBeLessThanOrEqual(after.get(id) ?? 0);
    }
  };
  try {
    await writer.writes(10);
    await isBetween();
    for (const instance of cluster.instances('push')) {
      await instance.kill('SIGKILL');
      await writer.writes(10);
      await isBetween();
      await redis.flushall();
      await writer.writes(5);
      await isBetween();
      await instance.start();
    }
    for (const id of roomIds.slice(0, 3)) {
      const eventId = writer.acknowledged.findLast(({ roomId }) => roomId === id)?.eventId ?? '';
      await bob.expect('POST', path`/v3/rooms/${id}/receipt/m.read.private/${eventId}`, {});
      readUpTo.set(id, eventId);
    }
    await writer.writes(10);
  } finally {
    redis.disconnect();
    await writer.stop();
  }
  expect(writer.failures).toEqual([]);
  const expected = await said(readUpTo);
  expect(await told()).toEqual(expected);

  // The services come to the same, once they have caught up.
  const deadline = Date.now() + 60_000;
  let counted: Map<string, number | undefined>;
  do {
    await sleep(50);
    const all = await log.countedUnread(bob.userId);
    counted = new Map(roomIds.map((id) => [id, all.get(id)]));
  } while (JSON.stringify([...counted]) !== JSON.stringify([...expected]) && Date.now() < deadline);
  expect(counted).toEqual(expected);
  expect(await told()).toEqual(expected);
}, 240_000);
