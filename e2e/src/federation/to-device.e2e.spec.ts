import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  type FederatedServer,
  type Federation,
  newTransactionId,
  path,
  register,
  startFederation,
  type SyncFollower,
  type TestUser,
} from '@atoll/testing';
import { Redis } from 'ioredis';
import { testSettings } from '../test-settings.js';

let federation: Federation;
/** Of the first server, and of the second one. */
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings });
  alice = await register(server(0).clientUrl, 'alice');
  bob = await register(server(1).clientUrl, 'bob');
}, 90_000);
afterAll(() => federation.stop());

const server = (index: number) => federation.servers[index] as FederatedServer;

async function send(from: TestUser, to: TestUser, ...numbers: number[]): Promise<void> {
  for (const n of numbers) {
    const messages = { [to.userId]: { [n % 2 === 0 ? '*' : to.session.deviceId]: { n } } };
    await from.expect('PUT', path`/v3/sendToDevice/m.test/${newTransactionId()}`, { messages });
  }
}

const numbersIn = ({ answers }: SyncFollower) =>
  answers.flatMap(({ to_device }) => (to_device?.events ?? []).map(({ content }) => content['n']));

/** Follows until so many messages have come. @returns all of them */
async function untilCome(follower: SyncFollower, count: number): Promise<unknown[]> {
  if (numbersIn(follower).length < count) {
    await follower.until(`${count} messages`, () => numbersIn(follower).length >= count, 60_000);
  }
  return numbersIn(follower);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test('messages to devices cross in both directions, though the users share no room', async () => {
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    const follower = await to.follow();
    await send(from, to, 0, 1);
    expect(await untilCome(follower, 2)).toEqual([0, 1]);
    expect(follower.answers.flatMap(({ to_device }) => to_device?.events ?? [])).toMatchObject([
      { sender: from.userId, type: 'm.test', content: { n: 0 } },
      { sender: from.userId, type: 'm.test', content: { n: 1 } },
    ]);
  }
});

test('those that were sent while the other server was down arrive once and in order (behaviours 42, 59)', async () => {
  const follower = await bob.follow();
  const [other] = server(1).instances('client-api');
  const [sender] = server(0).instances('federation-sender');
  await other?.stop();
  await send(alice, bob, ...range(0, 120));
  await sender?.kill('SIGKILL');
  const redis = new Redis(server(0).redisUrl);
  await redis.flushall();
  redis.disconnect();
  await Promise.all([sender?.start(), other?.start()]);
  await send(alice, bob, ...range(120, 130));
  expect(await untilCome(follower, 130)).toEqual(range(0, 130));
  await send(alice, bob, 130);
  expect(await untilCome(follower, 131)).toEqual(range(0, 131));
}, 120_000);
