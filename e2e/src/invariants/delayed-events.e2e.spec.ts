import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openDatabase, type Database } from '@atoll/database';
import { Redis } from 'ioredis';
import { newTransactionId, path, register, RoomLog, type Cluster, type TestUser } from '@atoll/testing';
import { startSmallCluster } from './small-cluster.js';

const EACH = 60;
const USERS = 4;

let cluster: Cluster;
let log: RoomLog;
let database: Database;
let redis: Redis;
let users: TestUser[];
let roomId: string;
beforeAll(async () => {
  cluster = await startSmallCluster();
  log = await RoomLog.connect(cluster.databaseUrl);
  database = openDatabase({ url: cluster.databaseUrl, poolSize: 1, applicationName: 'looks-at-tries' });
  redis = new Redis(cluster.redisUrl);
  users = await Promise.all(Array.from({ length: USERS }, (_, i) => register(cluster.clientUrl, `user${i}`)));
  roomId = (await users[0]?.createRoom({ preset: 'public_chat' })) ?? '';
  for (const user of users.slice(1)) await user.join(roomId);
}, 120_000);
afterAll(async () => {
  redis.disconnect();
  await database.close();
  await log.close();
  await cluster.stop();
});

interface Delayed {
  readonly user: TestUser;
  readonly delayId: string;
  readonly text: string;
}

/** Messages and state events of every user, due from `delayMs` on, a few ms one after the other. */
async function scheduleAll(name: string, delayMs: number): Promise<Delayed[]> {
  const ofUsers = users.map(async (user, u) => {
    const delayed: Delayed[] = [];
    for (let n = 0; n < EACH; n += 1) {
      const text = `${name} ${u} ${n}`;
      const target = path`/v3/rooms/${roomId}/delayed_event/m.test/${newTransactionId()}`;
      const body = { delay_ms: delayMs + n, content: { text } };
      delayed.push({ user, text, delayId: String((await user.expect('PUT', target, body))['delay_id']) });
    }
    return delayed;
  });
  return (await Promise.all(ofUsers)).flat();
}

const sent = async (name: string) =>
  (await log.events(roomId))
    .map(({ content }) => String(content['text']))
    .filter((text) => text.startsWith(`${name} `));

/** Each event once, each user's in the order of their times, and what is told of each is so. */
async function expectEachOnce(name: string, delayed: readonly Delayed[]): Promise<void> {
  const deadline = Date.now() + 90_000;
  const isFinalised = async ({ user, delayId }: Delayed) =>
    (await user.expect('GET', path`/v1/delayed_events/${delayId}`))['event_id'];
  for (const one of delayed) {
    while ((await isFinalised(one)) === undefined)
      if (Date.now() > deadline) throw new Error(`${one.text} did not come`);
  }
  const texts = await sent(name);
  expect(texts.toSorted()).toEqual(delayed.map(({ text }) => text).toSorted());
  for (const user of users) {
    const own = delayed.filter((one) => one.user === user).map(({ text }) => text);
    expect(texts.filter((text) => own.includes(text))).toEqual(own);
  }
}

test('one, then every client-api is killed while they send, Redis forgets all: each event is sent once', async () => {
  const instances = cluster.instances('client-api');
  for (const killed of [instances.slice(0, 1), instances]) {
    // Events of its own for each kill: the others send all that is due before a killed one is back.
    const name = `killed${killed.length}`;
    const delayed = await scheduleAll(name, 5_000);
    while ((await sent(name)).length === 0);
    await Promise.all(killed.map((instance) => instance.kill('SIGKILL')));
    expect((await sent(name)).length).toBeLessThan(EACH * USERS);
    await redis.flushall();
    await Promise.all(killed.map((instance) => instance.start()));
    await expectEachOnce(name, delayed);
  }
  const triedAgain = await database.db
    .selectFrom('delayed_events')
    .select('delay_id')
    .where('attempts', '>', 1)
    .execute();
  expect(triedAgain.length).toBeGreaterThan(0);
}, 180_000);

test('nobody is there when they are due, and Redis has forgotten all: each is sent once, in order', async () => {
  const delayed = await scheduleAll('absent', 6_000);
  await Promise.all(cluster.instances('client-api').map((instance) => instance.stop()));
  expect(await sent('absent')).toEqual([]);
  await redis.flushall();
  // Everything is due by the time that they come back: their start takes longer than what is left of the delay.
  await new Promise((resolve) => setTimeout(resolve, 6_500));
  await Promise.all(cluster.instances('client-api').map((instance) => instance.start()));
  await expectEachOnce('absent', delayed);
}, 180_000);

test('a restart of everything leaves a member in a call whose heart-beats go on', async () => {
  const [user] = users as [TestUser];
  const target = path`/v3/rooms/${roomId}/delayed_event/m.call/${newTransactionId()}`;
  const body = { delay_ms: 25_000, state_key: '_call', content: {} };
  const delayId = String((await user.expect('PUT', target, body))['delay_id']);
  await user.setState(roomId, 'm.call', { joined: true }, '_call');
  for (const service of ['client-api', 'room-state'] as const) {
    for (const instance of cluster.instances(service)) {
      await instance.restart();
      await user.expect('POST', path`/v1/delayed_events/${delayId}/restart`);
    }
  }
  expect(await user.state(roomId, 'm.call', '_call')).toEqual({ joined: true });
  await user.expect('POST', path`/v1/delayed_events/${delayId}/send`);
  expect(await user.state(roomId, 'm.call', '_call')).toEqual({});
}, 180_000);
