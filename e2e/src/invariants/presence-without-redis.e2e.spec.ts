import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { register, type Cluster, type SyncFollower, type TestUser } from '@atoll/testing';
import { startSmallCluster } from './small-cluster.js';

let cluster: Cluster;
let redis: Redis;
beforeAll(async () => {
  cluster = await startSmallCluster();
  redis = new Redis(cluster.redisUrl);
}, 120_000);
afterAll(async () => {
  redis.disconnect();
  await cluster.stop();
});

/** What a follower has heard of a user, in order. */
const heard = (follower: SyncFollower, user: TestUser) =>
  follower.answers
    .flatMap(({ presence }) => presence?.events ?? [])
    .filter(({ sender }) => sender === user.userId)
    .map(({ content }) => content['presence']);

test('who stops to sync goes offline; whoever syncs does not, though Redis forgets all', async () => {
  const [alice, bob, carol] = (await Promise.all(
    ['alice', 'bob', 'carol'].map((name) => register(cluster.clientUrl, name)),
  )) as [TestUser, TestUser, TestUser];
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  for (const user of [bob, carol]) await user.join(roomId);
  const follower = await alice.follow();

  // Bob waits for news all the time, carol syncs once.
  const syncing = new AbortController();
  const ofBob = await bob.follow();
  const following = (async () => {
    while (!syncing.signal.aborted) await ofBob.next(5_000);
  })();
  await carol.sync();
  await follower.until('carol', () => heard(follower, carol).includes('online'));
  await redis.flushall();
  await follower.until('carol gone', () => heard(follower, carol).includes('offline'), 120_000);
  syncing.abort();
  await following;
  expect(heard(follower, carol)).toEqual(['online', 'offline']);
  expect(heard(follower, bob)).toEqual(['online']);
  expect(heard(ofBob, bob)).not.toContain('offline');
  expect(heard(ofBob, alice)).not.toContain('offline');
}, 180_000);
