import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Federation, path, register, startFederation, type TestUser } from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { outcome } from '../users.js';
import { membershipOf } from './across.js';

let federation: Federation;
/** Of the first server, and of the second one. */
let alice: TestUser;
let bob: TestUser;
let here: string;

beforeAll(async () => {
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings });
  const [one, two] = federation.servers;
  if (!one || !two) throw new Error('two servers were asked for');
  here = one.serverName;
  alice = await register(one.clientUrl, 'alice');
  bob = await register(two.clientUrl, 'bob');
});
afterAll(() => federation.stop());

const wants = (type: string, content: object) =>
  bob.expect('PUT', path`/v3/user/${bob.userId}/account_data/${type}`, content);
const invite = async (roomId: string) =>
  outcome(await alice.request('POST', path`/v3/rooms/${roomId}/invite`, { user_id: bob.userId }));
const invitesOfBob = async () => Object.keys((await bob.sync()).rooms?.invite ?? {});

test('who invites is told that a user of another server blocks it', async () => {
  const roomId = await alice.createRoom();
  await wants('m.invite_permission_config', { default_action: 'block' });
  expect(await invite(roomId)).toBe('403 M_INVITE_BLOCKED');
  expect(await membershipOf(alice, roomId, bob.userId)).toBeUndefined();

  // The room is there before the other server can be asked.
  const created = await alice.createRoom({ invite: [bob.userId] });
  expect(await membershipOf(alice, created, bob.userId)).toBeUndefined();

  await wants('m.invite_permission_config', {});
  expect(await invite(roomId)).toBe('200');
  expect(await invitesOfBob()).toEqual([roomId]);
});

test('a server can be blocked, and be ignored without knowing', async () => {
  const filters = 'org.matrix.msc4155.invite_permission_config';
  await wants(filters, { blocked_servers: [here] });
  const roomId = await alice.createRoom();
  expect(await invite(roomId)).toBe('403 M_INVITE_BLOCKED');
  await wants(filters, { ignored_servers: [here] });
  expect(await invite(roomId)).toBe('200');
  expect(await invitesOfBob()).not.toContain(roomId);
});
