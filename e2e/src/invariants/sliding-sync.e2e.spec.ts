import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Cluster, register, type TestUser } from '@atoll/testing';
import { Redis } from 'ioredis';
import { listOf, SlidingClient, tells } from '../sliding-client.js';
import { ids } from '../users.js';
import { startSmallCluster } from './small-cluster.js';

let cluster: Cluster;
let alice: TestUser;
let bob: TestUser;
let roomId: string;

beforeAll(async () => {
  cluster = await startSmallCluster();
  alice = await register(cluster.clientUrl, 'alice');
  bob = await register(cluster.clientUrl, 'bob');
  roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(roomId);
});
afterAll(() => cluster.stop());

test('a client goes on where it was after Redis has lost everything, also while it waits', async () => {
  const redis = new Redis(cluster.redisUrl);
  const client = new SlidingClient(alice);
  const lists = listOf({ required_state: { include: [{}], lazy_members: true } });
  await client.next({ lists });
  for (let round = 0; round < 3; round += 1) {
    await redis.flushall();
    const waiting = client.next({ lists, timeout: 30_000 });
    await redis.flushall();
    const eventId = await bob.send(roomId, `${round}`);
    const { rooms } = await waiting;
    expect(ids(rooms[roomId]?.timeline)).toEqual([eventId]);
    expect(rooms[roomId]).not.toHaveProperty('initial');
  }
  const eventId = await bob.send(roomId, 'narrow');
  await client.until({ lists: listOf({ ...lists.all, timeline_limit: 1 }) }, roomId, tells(eventId));
  expect((await client.next({ lists })).rooms).toEqual({});
  await redis.quit();
});
