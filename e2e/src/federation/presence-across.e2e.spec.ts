import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  path,
  query,
  register,
  startFederation,
  type FederatedServer,
  type Federation,
  type SyncAnswer,
  type SyncFollower,
  type TestUser,
} from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { outcome } from '../users.js';

let federation: Federation;
let alice: TestUser;
let bob: TestUser;
let here: FederatedServer;
beforeAll(async () => {
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings });
  const [first, second] = federation.servers as [FederatedServer, FederatedServer];
  here = first;
  alice = await register(first.clientUrl, 'alice');
  bob = await register(second.clientUrl, 'bob');
}, 120_000);
afterAll(() => federation.stop());

const told = ({ presence }: SyncAnswer, user: TestUser) =>
  (presence?.events ?? []).filter(({ sender }) => sender === user.userId).map(({ content }) => content);
const hears = (follower: SyncFollower, user: TestUser, presence: string) =>
  follower.until(
    `${user.userId} ${presence}`,
    (answer) => told(answer, user).some((content) => content['presence'] === presence),
    20_000,
  );

test('presence crosses servers as users come together and as it changes (behaviour 30)', async () => {
  const [ofAlice, ofBob] = [await alice.follow(), await bob.follow()];
  const statusOfBob = path`/v3/presence/${bob.userId}/status`;
  expect(outcome(await alice.request('GET', statusOfBob))).toBe('403 M_FORBIDDEN');
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.expect('POST', path`/v3/join/${roomId}` + query({ server_name: here.serverName }), {});
  for (const [follower, user] of [
    [ofAlice, bob],
    [ofBob, alice],
  ] as const) {
    expect(told(await hears(follower, user, 'online'), user)).toHaveLength(1);
    expect(told(await follower.next(), user)).toEqual([]);
  }
  await bob.expect('PUT', statusOfBob, { presence: 'unavailable', status_msg: 'at lunch' });
  const [content] = told(await hears(ofAlice, bob, 'unavailable'), bob);
  expect(content).toMatchObject({ status_msg: 'at lunch' });
  expect(await alice.expect('GET', statusOfBob)).toMatchObject({
    presence: 'unavailable',
    status_msg: 'at lunch',
  });
  await bob.send(roomId, 'back');
  await hears(ofAlice, bob, 'online');
  await bob.expect('PUT', statusOfBob, { presence: 'offline' });
  await hears(ofAlice, bob, 'offline');
}, 90_000);
