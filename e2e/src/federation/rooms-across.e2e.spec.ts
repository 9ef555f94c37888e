import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Federation, path, register, startFederation, type TestUser } from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { outcome } from '../users.js';
import { commonState, membershipOf, saidIn } from './across.js';
import { eventually } from './eventually.js';

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

const versions = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'];

/** Both see each other in the room, with these memberships. */
async function bothSee(roomId: string, membership: string | undefined): Promise<void> {
  for (const user of [alice, bob]) {
    const fits = (found?: string) => found === membership;
    const found = await eventually(() => membershipOf(user, roomId, bob.userId), fits);
    expect({ user: user.userId, found }).toEqual({ user: user.userId, found: membership });
  }
}

async function expectSameState(roomId: string): Promise<void> {
  const [ofAlice, ofBob] = await commonState(alice, bob, roomId);
  expect(ofBob).toEqual(ofAlice);
  expect(ofAlice).not.toEqual([]);
}

const joinVia = (user: TestUser, roomId: string, body: object = {}) =>
  user.request('POST', path`/v3/join/${roomId}` + `?via=${here}`, body);

describe.each(versions)('a room of version %s', (version) => {
  test('is joined by its alias; both talk; what was said before is read', async () => {
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      room_version: version,
      room_alias_name: `talk-${version}`,
    });
    await alice.send(roomId, 'before');
    expect(await bob.join(`#talk-${version}:${here}`)).toBe(roomId);
    await bob.send(roomId, 'from bob');
    await alice.send(roomId, 'from alice');
    for (const user of [alice, bob]) {
      const said = await eventually(
        () => saidIn(user, roomId),
        ({ length }) => length >= 3,
      );
      expect(said.sort()).toEqual(['before', 'from alice', 'from bob']);
    }
    await expectSameState(roomId);
  });
});

/** A room that is entered by invite, left, refused, and closed by a ban. */
async function comeAndGo(version: string): Promise<void> {
  const roomId = await alice.createRoom({ preset: 'private_chat', room_version: version });
  const follower = await bob.follow();
  expect(outcome(await joinVia(bob, roomId))).toBe('403 M_FORBIDDEN');
  await alice.invite(roomId, bob.userId);
  const news = await follower.until('invite', ({ rooms }) => rooms?.invite?.[roomId] !== undefined);
  const shown = news.rooms?.invite?.[roomId]?.invite_state.events ?? [];
  expect(shown.map(({ type }) => type)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.member']));
  await bob.leave(roomId);
  await follower.until('leave', ({ rooms }) => rooms?.leave?.[roomId] !== undefined);
  expect(
    await eventually(
      () => membershipOf(alice, roomId, bob.userId),
      (found) => found === 'leave',
    ),
  ).toBe('leave');

  await alice.invite(roomId, bob.userId);
  await bob.join(roomId);
  await bothSee(roomId, 'join');
  await bob.send(roomId, 'here');
  expect(
    await eventually(
      () => saidIn(alice, roomId),
      ({ length }) => length > 0,
    ),
  ).toEqual(['here']);
  await expectSameState(roomId);

  await bob.leave(roomId);
  await bothSee(roomId, 'leave');
  await alice.invite(roomId, bob.userId);
  await bob.join(roomId);
  await bothSee(roomId, 'join');
  await alice.ban(roomId, bob.userId);
  await bothSee(roomId, 'ban');
  expect(outcome(await joinVia(bob, roomId))).toBe('403 M_FORBIDDEN');
  await alice.unban(roomId, bob.userId);
  await alice.invite(roomId, bob.userId);
  await bob.join(roomId);
  await bothSee(roomId, 'join');
}

// Most of it is waiting for the other server, which rooms can do together.
test.each([versions.slice(0, 4), versions.slice(4, 8), versions.slice(8)])(
  'rooms of versions %s, %s, %s and %s are entered by invite, left, refused, and closed by a ban',
  async (...some) => {
    await Promise.all(some.map(comeAndGo));
  },
);

describe.each(['7', '10', '12'])('knocking on a room of version %s', (version) => {
  test('is shown to the members, answered by an invite, refused by a kick, and taken back', async () => {
    const roomId = await alice.createRoom({
      room_version: version,
      preset: 'private_chat',
      name: 'knock here',
    });
    await alice.setState(roomId, 'm.room.join_rules', { join_rule: 'knock' });
    const follower = await bob.follow();
    const knock = () =>
      bob.request('POST', path`/v3/knock/${roomId}` + `?via=${here}`, { reason: 'let me in' });
    expect(outcome(await knock())).toBe('200');
    const news = await follower.until('knock', ({ rooms }) => rooms?.knock?.[roomId] !== undefined);
    const shown = news.rooms?.knock?.[roomId]?.knock_state.events ?? [];
    expect(shown.map(({ type }) => type)).toEqual(expect.arrayContaining(['m.room.name', 'm.room.member']));
    await eventually(
      () => membershipOf(alice, roomId, bob.userId),
      (found) => found === 'knock',
    );
    expect(await alice.state(roomId, 'm.room.member', bob.userId)).toMatchObject({ reason: 'let me in' });

    await alice.kick(roomId, bob.userId);
    await follower.until('refusal', ({ rooms }) => rooms?.leave?.[roomId] !== undefined);
    expect(outcome(await knock())).toBe('200');
    await bob.leave(roomId);
    expect(
      await eventually(
        () => membershipOf(alice, roomId, bob.userId),
        (found) => found === 'leave',
      ),
    ).toBe('leave');
    expect(outcome(await knock())).toBe('200');
    await alice.invite(roomId, bob.userId);
    await follower.until('invite', ({ rooms }) => rooms?.invite?.[roomId] !== undefined);
    await bob.join(roomId);
    await bothSee(roomId, 'join');
    expect(outcome(await knock())).toBe('403 M_FORBIDDEN');
  });
});

describe.each(['8', '10', '12'])('a restricted room of version %s', (version) => {
  test('lets in whoever is in the room that it names, by authority of a member of the resident server', async () => {
    const club = await alice.createRoom({ preset: 'public_chat', room_version: version });
    const roomId = await alice.createRoom({ preset: 'private_chat', room_version: version });
    const allow = [{ type: 'm.room_membership', room_id: club }];
    await alice.setState(roomId, 'm.room.join_rules', { join_rule: 'restricted', allow });
    expect(outcome(await joinVia(bob, roomId))).toBe('403 M_FORBIDDEN');
    expect(outcome(await joinVia(bob, club))).toBe('200');
    expect(outcome(await joinVia(bob, roomId))).toBe('200');
    await bothSee(roomId, 'join');
    const content = await alice.state(roomId, 'm.room.member', bob.userId);
    expect(content['join_authorised_via_users_server']).toBe(alice.userId);
    await expectSameState(roomId);
  });
});

test('a server that is in a restricted room, but has nobody who may let others in, asks one that has', async () => {
  const club = await alice.createRoom({ preset: 'public_chat' });
  const roomId = await alice.createRoom({
    preset: 'private_chat',
    power_level_content_override: { invite: 50 },
  });
  const allow = [{ type: 'm.room_membership', room_id: club }];
  await alice.setState(roomId, 'm.room.join_rules', { join_rule: 'restricted', allow });
  const dave = await register(bob.http.baseUrl, 'dave');
  for (const user of [bob, dave]) expect(outcome(await joinVia(user, club))).toBe('200');
  expect(outcome(await joinVia(bob, roomId))).toBe('200');
  await bothSee(roomId, 'join');
  expect(outcome(await dave.request('POST', path`/v3/join/${roomId}`, {}))).toBe('200');
  const content = await dave.state(roomId, 'm.room.member', dave.userId);
  expect(content['join_authorised_via_users_server']).toBe(alice.userId);
  await expectSameState(roomId);
});

test('users of other servers are invited when a room is created', async () => {
  const follower = await bob.follow();
  const roomId = await alice.createRoom({
    preset: 'trusted_private_chat',
    invite: [bob.userId],
    is_direct: true,
  });
  const news = await follower.until('invite', ({ rooms }) => rooms?.invite?.[roomId] !== undefined);
  const shown = news.rooms?.invite?.[roomId]?.invite_state.events ?? [];
  expect(
    shown.find(({ type, state_key }) => type === 'm.room.member' && state_key === bob.userId),
  ).toMatchObject({
    content: { membership: 'invite', is_direct: true },
  });
  await bob.join(roomId);
  await bothSee(roomId, 'join');
});

test('an invite that is taken back goes away', async () => {
  const roomId = await alice.createRoom({ preset: 'private_chat' });
  const follower = await bob.follow();
  await alice.invite(roomId, bob.userId);
  await follower.until('invite', ({ rooms }) => rooms?.invite?.[roomId] !== undefined);
  await alice.kick(roomId, bob.userId);
  await follower.until('leave', ({ rooms }) => rooms?.leave?.[roomId] !== undefined);
});
