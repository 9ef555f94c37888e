import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ServiceName } from '@atoll/contract';
import { Redis } from 'ioredis';
import {
  register,
  RoomLog,
  startFederation,
  SteadySyncer,
  SteadyWriter,
  uniqueName,
  type Acknowledged,
  type FederatedServer,
  type Federation,
  type ServiceProcess,
  type TestUser,
} from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { commonState, saidBySender } from './across.js';

let federation: Federation;
let cluster: FederatedServer;
let log: RoomLog;
/** Of the cluster, and of the other server. */
let alice: TestUser;
let bob: TestUser;
let roomIds: string[];

beforeAll(async () => {
  const instances = { 'client-api': 1, 'federation-sender': 1, media: 0, push: 0 };
  federation = await startFederation({ servers: ['cluster', 'all-in-one'], instances, env: testSettings });
  const [one, two] = federation.servers;
  if (!one || !two) throw new Error('two servers were asked for');
  cluster = one;
  log = await RoomLog.connect(one.databaseUrl);
  alice = await register(one.clientUrl, 'alice');
  bob = await register(two.clientUrl, 'bob');
  const everybodyMaySetState = {
    preset: 'public_chat',
    power_level_content_override: { state_default: 0, events: {} },
  };
  roomIds = await Promise.all([1, 2, 3].map(() => alice.createRoom(everybodyMaySetState)));
  for (const roomId of roomIds) {
    await bob.expect('POST', `/v3/join/${encodeURIComponent(roomId)}?via=${one.serverName}`, {});
  }
}, 90_000);
afterAll(async () => {
  await log.close();
  await federation.stop();
});

/** Both write on in each room. */
async function bothWrite(writers: readonly SteadyWriter[], count: number): Promise<void> {
  await Promise.all(writers.map((writer) => writer.writes(count)));
}

/** Of several at the same time, one stays. */
function setTopic(user: TestUser, roomId: string): Promise<string> {
  return user.setState(roomId, 'm.room.topic', { topic: uniqueName(user.userId) });
}

/** What somebody said in a room, in the order of the acknowledgements. */
function textsIn(roomId: string, acknowledged: readonly Acknowledged[]): string[] {
  return acknowledged.filter((one) => one.roomId === roomId).map(({ text }) => text);
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
  const writers = users.map((user) => new SteadyWriter(user, roomIds, 100));
  try {
    await bothWrite(writers, 5);
    const topics = users.flatMap((user) => roomIds.map((roomId) => setTopic(user, roomId)));
    await Promise.all(topics);
    await disturb(writers);
    await Promise.all(writers.map((writer) => writer.stop()));
    const sent = writers.flatMap(({ acknowledged }) => acknowledged.map(({ eventId }) => eventId));
    for (const syncer of syncers) await syncer.sees(sent, 30_000);
  } finally {
    await Promise.all([...writers, ...syncers].map((one) => one.stop()));
  }
  for (const syncer of syncers) expect(syncer.repeated).toEqual([]);
  for (const [index, roomId] of roomIds.entries()) {
    const said = Object.fromEntries(
      users.map(({ userId }, number) => [
        userId,
        [...(before[index]?.[userId] ?? []), ...textsIn(roomId, writers[number]?.acknowledged ?? [])],
      ]),
    );
    for (const user of users) {
      expect(await saidBySender(user, roomId)).toEqual(said);
    }
    const [ofAlice, ofBob] = await commonState(alice, bob, roomId);
    expect(ofBob).toEqual(ofAlice);
    expect(ofAlice).not.toEqual([]);
  }
}

/** An instance of the service that works for the shared rooms. */
async function instanceOf(service: ServiceName): Promise<ServiceProcess | undefined> {
  const owner = service === 'room-state' ? await log.owner(roomIds[0] ?? '') : undefined;
  const isIt = ({ instanceId }: ServiceProcess) =>
    owner === undefined || owner === `${service}-${instanceId}`;
  return cluster.instances(service).find(isIt);
}

test.each<ServiceName>(['federation-sender', 'federation-receiver', 'room-state'])(
  '%s is killed and started again while people of both servers write',
  async (service) => {
    await expectNothingLostWhile(async (writers) => {
      const instance = await instanceOf(service);
      await instance?.kill('SIGKILL');
      expect(instance?.running()).toBe(false);
      await bothWrite(writers, 5);
      await instance?.start();
      await bothWrite(writers, 5);
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
