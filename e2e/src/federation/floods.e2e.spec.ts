import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ServiceName } from '@atoll/contract';
import { Redis } from 'ioredis';
import {
  register,
  startFederation,
  SteadySyncer,
  SteadyWriter,
  type Acknowledged,
  type FederatedServer,
  type Federation,
  type TestUser,
} from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { commonState, saidBySender } from './across.js';

let federation: Federation;
let cluster: FederatedServer;
/** Of the cluster, and of the other server. */
let alice: TestUser;
let bob: TestUser;
let roomIds: string[];

beforeAll(async () => {
  const instances = { 'client-api': 1, media: 0, push: 0 };
  federation = await startFederation({ servers: ['cluster', 'all-in-one'], instances, env: testSettings });
  const [one, two] = federation.servers;
  if (!one || !two) throw new Error('two servers were asked for');
  cluster = one;
  alice = await register(one.clientUrl, 'alice');
  bob = await register(two.clientUrl, 'bob');
  roomIds = await Promise.all([1, 2, 3].map(() => alice.createRoom({ preset: 'public_chat' })));
  for (const roomId of roomIds) {
    await bob.expect('POST', `/v3/join/${encodeURIComponent(roomId)}?via=${one.serverName}`, {});
  }
}, 90_000);
afterAll(() => federation.stop());

/** Both write on in each room. */
async function bothWrite(writers: readonly SteadyWriter[], count: number): Promise<void> {
  await Promise.all(writers.map((writer) => writer.writes(count)));
}

/** What each sender said in a room, in the order of the acknowledgements. */
function saidIn(roomId: string, all: readonly (readonly [TestUser, readonly Acknowledged[]])[]) {
  const texts = (acknowledged: readonly Acknowledged[]) =>
    acknowledged.filter((one) => one.roomId === roomId).map(({ text }) => text);
  return Object.fromEntries(all.map(([{ userId }, acknowledged]) => [userId, texts(acknowledged)]));
}

/**
 * Both write into the shared rooms, and wait for news, while something happens to the cluster; then each has everything exactly once,
 * in each sender's order, and both have one state.
 */
async function expectNothingLostWhile(disturb: (writers: readonly SteadyWriter[]) => Promise<void>) {
  const before = await Promise.all(roomIds.map((roomId) => saidBySender(alice, roomId)));
  const users = [alice, bob];
  const syncers = await Promise.all(
    users.map(async (user) => new SteadySyncer(user, (await user.sync()).next_batch)),
  );
  const writers = users.map((user) => new SteadyWriter(user, roomIds, 20));
  await bothWrite(writers, 5);
  await disturb(writers);
  const [byAlice = [], byBob = []] = await Promise.all(writers.map((writer) => writer.stop()));
  for (const syncer of syncers) {
    await syncer.sees(
      [...byAlice, ...byBob].map(({ eventId }) => eventId),
      30_000,
    );
    await syncer.stop();
    expect(syncer.repeated).toEqual([]);
  }
  for (const [index, roomId] of roomIds.entries()) {
    const said = saidIn(roomId, [
      [alice, byAlice],
      [bob, byBob],
    ]);
    for (const [userId, earlier] of Object.entries(before[index] ?? {})) said[userId]?.unshift(...earlier);
    for (const user of users) {
      expect(await saidBySender(user, roomId)).toEqual(said);
    }
    const [ofAlice, ofBob] = await commonState(alice, bob, roomId);
    expect(ofBob).toEqual(ofAlice);
    expect(ofAlice).not.toEqual([]);
  }
}

test.each<ServiceName>(['federation-sender', 'federation-receiver', 'room-state'])(
  'each %s is killed and started again while people of both servers write',
  async (service) => {
    await expectNothingLostWhile(async (writers) => {
      for (const instance of cluster.instances(service)) {
        await instance.kill('SIGKILL');
        await bothWrite(writers, 5);
        await instance.start();
        await bothWrite(writers, 5);
      }
    });
  },
);

test('Redis is flushed again and again while people of both servers write', async () => {
  const connection = new Redis(cluster.redisUrl);
  await expectNothingLostWhile(async (writers) => {
    for (let round = 0; round < 3; round += 1) {
      await connection.flushall();
      await bothWrite(writers, 10);
    }
  });
  await connection.quit();
});
