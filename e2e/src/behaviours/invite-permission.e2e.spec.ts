import { beforeEach, describe, expect, test } from '@jest/globals';
import { path, type TestUser } from '@atoll/testing';
import { listOf, SlidingClient } from '../sliding-client.js';
import { newUsers, outcome } from '../users.js';

const BLOCKING = 'm.invite_permission_config';
const FILTERS = 'org.matrix.msc4155.invite_permission_config';

let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
beforeEach(async () => {
  [alice, bob, carol] = (await newUsers('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser];
});

const wants = (user: TestUser, type: string, content: object) =>
  user.expect('PUT', path`/v3/user/${user.userId}/account_data/${type}`, content);
const invite = async (from: TestUser, roomId: string, user: TestUser) =>
  outcome(await from.request('POST', path`/v3/rooms/${roomId}/invite`, { user_id: user.userId }));
const invitesOf = async (user: TestUser, since?: string) => {
  const { rooms } = await user.sync(since === undefined ? {} : { since });
  return Object.keys(rooms?.invite ?? {});
};

test('is something that clients can look for', async () => {
  const { body } = await alice.request('GET', '/versions');
  expect(body['unstable_features']).toMatchObject({
    'org.matrix.msc4380.stable': true,
    'org.matrix.msc4155': true,
  });
});

describe('who blocks invites', () => {
  beforeEach(() => wants(bob, BLOCKING, { default_action: 'block' }));

  test('is invited by nobody and nothing', async () => {
    const roomId = await alice.createRoom();
    expect(await invite(alice, roomId, bob)).toBe('403 M_INVITE_BLOCKED');
    const member = path`/v3/rooms/${roomId}/state/m.room.member/${bob.userId}`;
    const written = await alice.request('PUT', member, { membership: 'invite' });
    expect(outcome(written)).toBe('403 M_INVITE_BLOCKED');
    const created = await alice.request('POST', '/v3/createRoom', { invite: [carol.userId, bob.userId] });
    expect(outcome(created)).toBe('403 M_INVITE_BLOCKED');
    expect(await invitesOf(bob)).toEqual([]);
    expect(await invitesOf(carol)).toEqual([]);
  });

  test('still joins what is public', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    expect(await bob.join(roomId)).toBe(roomId);
  });

  test('is invited again when that ends', async () => {
    await wants(bob, BLOCKING, {});
    const roomId = await alice.createRoom();
    expect(await invite(alice, roomId, bob)).toBe('200');
    expect(await invitesOf(bob)).toEqual([roomId]);
  });

  test('is not shown older invites', async () => {
    await wants(bob, BLOCKING, {});
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    const lists = listOf({ range: [0, 9] });
    expect(Object.keys((await new SlidingClient(bob, 'before').next({ lists })).rooms)).toContain(roomId);
    await wants(bob, BLOCKING, { default_action: 'block' });
    expect(await invitesOf(bob)).toEqual([]);
    expect((await new SlidingClient(bob, 'after').next({ lists })).rooms).toEqual({});
    expect(await bob.join(roomId)).toBe(roomId);
  });
});

describe('filters', () => {
  test('tell users apart', async () => {
    await wants(bob, FILTERS, { allowed_users: [carol.userId], blocked_users: ['*'] });
    expect(await invite(alice, await alice.createRoom(), bob)).toBe('403 M_INVITE_BLOCKED');
    const roomId = await carol.createRoom();
    expect(await invite(carol, roomId, bob)).toBe('200');
    expect(await invitesOf(bob)).toEqual([roomId]);
  });

  test('can have invites ignored, unknown to who invites', async () => {
    await wants(bob, FILTERS, { ignored_users: [alice.userId] });
    const { next_batch: since } = await bob.sync();
    const roomId = await alice.createRoom();
    expect(await invite(alice, roomId, bob)).toBe('200');
    expect(await invitesOf(bob, since)).toEqual([]);
    expect(await alice.state(roomId, 'm.room.member', bob.userId)).toMatchObject({ membership: 'invite' });
  });
});
