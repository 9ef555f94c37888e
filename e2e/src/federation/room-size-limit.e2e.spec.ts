import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Federation, path, register, startFederation, type TestUser } from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { outcome } from '../users.js';
import { membershipOf } from './across.js';
import { eventually } from './eventually.js';

/** More than a new room has. */
const MAX_STATE = 10;

let federation: Federation;
/** Of the first server, and of the second one. */
let alice: TestUser;
let bob: TestUser;
let here: string;

beforeAll(async () => {
  const env = { ...testSettings, ATOLL_MAX_JOINED_ROOM_STATE: String(MAX_STATE) };
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env });
  const [one, two] = federation.servers;
  if (!one || !two) throw new Error('two servers were asked for');
  here = one.serverName;
  alice = await register(one.clientUrl, 'alice');
  bob = await register(two.clientUrl, 'bob');
});
afterAll(() => federation.stop());

const join = async (roomId: string) =>
  outcome(await bob.request('POST', path`/v3/join/${roomId}` + `?via=${here}`, {}));
const grow = async (roomId: string) => {
  for (let n = 0; n < MAX_STATE; n += 1) await alice.setState(roomId, 'com.example.state', {}, String(n));
};

test('a room that is too large is not joined, and the others do not hear of it', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  await grow(roomId);
  expect(await join(roomId)).toBe('403 M_RESOURCE_LIMIT_EXCEEDED');
  expect(await membershipOf(alice, roomId, bob.userId)).toBeUndefined();
});

test('one of which only the join can tell is left at once', async () => {
  const roomId = await alice.createRoom({ preset: 'private_chat', invite: [bob.userId] });
  await grow(roomId);
  expect(await join(roomId)).toBe('403 M_RESOURCE_LIMIT_EXCEEDED');
  const isLeft = (membership?: string) => membership === 'leave';
  expect(await eventually(() => membershipOf(alice, roomId, bob.userId), isLeft)).toBe('leave');
  await bob.leave(roomId);
  expect((await bob.sync()).rooms?.invite?.[roomId]).toBeUndefined();
});

test('others are joined, and may grow', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  expect(await join(roomId)).toBe('200');
  await grow(roomId);
  await bob.send(roomId, 'still here');
});
