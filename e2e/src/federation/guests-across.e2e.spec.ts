import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  type Federation,
  path,
  register,
  registerGuest,
  startFederation,
  type TestUser,
} from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { outcome } from '../users.js';
import { membershipOf } from './across.js';
import { eventually } from './eventually.js';

const FORBIDDEN = '403 M_GUEST_ACCESS_FORBIDDEN';

let federation: Federation;
let here: string;
/** Of the first server. */
let alice: TestUser;
/** Of the second one. */
let guest: TestUser;

beforeAll(async () => {
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings });
});
afterAll(() => federation.stop());
beforeEach(async () => {
  const [one, two] = federation.servers;
  if (!one || !two) throw new Error('two servers were asked for');
  here = one.serverName;
  [alice, guest] = await Promise.all([register(one.clientUrl, 'alice'), registerGuest(two.clientUrl)]);
});

const setAccess = (roomId: string, guest_access: string) =>
  alice.setState(roomId, 'm.room.guest_access', { guest_access });
const join = async (roomId: string) =>
  outcome(await guest.request('POST', path`/v3/rooms/${roomId}/join` + `?via=${here}`, {}));
const seenByAlice = (roomId: string) => membershipOf(alice, roomId, guest.userId);
const isLeft = (membership?: string) => membership === 'leave';

test('a guest joins a room of another server that lets guests in, and leaves when it does not any more', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  await setAccess(roomId, 'can_join');
  expect(await join(roomId)).toBe('200');
  await guest.send(roomId, 'hello from far');
  await setAccess(roomId, 'forbidden');
  expect(await eventually(() => seenByAlice(roomId), isLeft)).toBe('leave');
});

test('a guest does not join another one, and the others do not hear of it', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  expect(await join(roomId)).toBe(FORBIDDEN);
  expect(await seenByAlice(roomId)).toBeUndefined();
});

test('an invite to a room that is not for guests is of no use; of a room that is not public only the join can tell', async () => {
  const roomId = await alice.createRoom({ preset: 'private_chat', invite: [guest.userId] });
  await setAccess(roomId, 'forbidden');
  expect(await join(roomId)).toBe(FORBIDDEN);
  expect(await eventually(() => seenByAlice(roomId), isLeft)).toBe('leave');

  const other = await alice.createRoom({ preset: 'private_chat', invite: [guest.userId] });
  expect(await join(other)).toBe('200');
  await guest.send(other, 'private_chat lets guests in');
});
