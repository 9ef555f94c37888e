import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Federation, path, register, startFederation, type TestUser } from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { outcome } from '../users.js';
import { commonState, membershipOf, saidIn } from './across.js';
import { eventually } from './eventually.js';

let federation: Federation;
/** Of the first server. */
let alice: TestUser;
let anna: TestUser;
/** Of the second one. */
let bob: TestUser;
let ben: TestUser;
let [here, there]: string[] = [];

beforeAll(async () => {
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings });
  const [one, two] = federation.servers;
  if (!one || !two) throw new Error('two servers were asked for');
  [here, there] = [one.serverName, two.serverName];
  [alice, anna] = [await register(one.clientUrl, 'alice'), await register(one.clientUrl, 'anna')];
  [bob, ben] = [await register(two.clientUrl, 'bob'), await register(two.clientUrl, 'ben')];
});
afterAll(() => federation.stop());

const joinVia = (user: TestUser, roomId: string, server = '') =>
  user.request('POST', path`/v3/join/${roomId}` + `?via=${server}`, {});

async function upgrade(user: TestUser, roomId: string, version: string): Promise<string> {
  const body = { new_version: version };
  return String((await user.expect('POST', path`/v3/rooms/${roomId}/upgrade`, body))['replacement_room']);
}

/** Where a user is told to go, once the tombstone is there. */
async function replacementSeenBy(user: TestUser, roomId: string): Promise<unknown> {
  const look = () => user.request('GET', path`/v3/rooms/${roomId}/state/m.room.tombstone`);
  return (await eventually(look, ({ status }) => status === 200)).body['replacement_room'];
}

/** Both servers have the same state of a room. */
async function expectSameState(roomId: string): Promise<void> {
  const [ofAlice, ofBob] = await commonState(alice, bob, roomId);
  expect(ofBob).toEqual(ofAlice);
  expect(ofAlice).not.toEqual([]);
}

describe.each([
  ['9', '10'],
  ['10', '11'],
  ['11', '12'],
  ['12', '12'],
])('a room of version %s that a user of another server upgrades to %s', (from, to) => {
  let old: string;
  let replacement: string;

  beforeAll(async () => {
    old = await alice.createRoom({
      room_version: from,
      preset: 'public_chat',
      name: 'Ours',
      power_level_content_override: {
        users: { ...(from !== '12' && { [alice.userId]: 150 }), [bob.userId]: 150 },
      },
    });
    for (const user of [bob, ben]) expect(outcome(await joinVia(user, old, here))).toBe('200');
    await anna.join(old);
    for (const user of [anna, ben]) {
      await user.expect('PUT', path`/v3/pushrules/global/room/${old}`, { actions: ['notify'] });
    }
    await alice.ban(old, '@spammer:elsewhere.example');
    await eventually(
      () => membershipOf(bob, old, '@spammer:elsewhere.example'),
      (found) => found === 'ban',
    );
    replacement = await upgrade(bob, old, to);
  });

  test('shows the same tombstone everywhere, and the same state', async () => {
    for (const user of [alice, anna, bob, ben]) {
      expect(await replacementSeenBy(user, old)).toBe(replacement);
    }
    await expectSameState(old);
    expect(await alice.state(old, 'm.room.power_levels')).toMatchObject({ events_default: 50, invite: 50 });
    expect(outcome(await anna.request('PUT', path`/v3/rooms/${old}/send/m.room.message/1`, {}))).toBe(
      '403 M_FORBIDDEN',
    );
  });

  test('is left for the replacement, by way of the server of who upgraded it', async () => {
    for (const user of [alice, anna]) expect(outcome(await joinVia(user, replacement, there))).toBe('200');
    await ben.join(replacement);
    // What users have set about the old room comes along (behaviour 37).
    for (const user of [anna, ben]) {
      await user.expect('GET', path`/v3/pushrules/global/room/${replacement}`);
    }
    await expectSameState(replacement);
    expect(await alice.state(replacement, 'm.room.create')).toMatchObject({
      room_version: to,
      predecessor: { room_id: old },
    });
    expect(await alice.state(replacement, 'm.room.name')).toEqual({ name: 'Ours' });
    expect(await membershipOf(alice, replacement, '@spammer:elsewhere.example')).toBe('ban');
    await anna.send(replacement, 'from anna');
    await ben.send(replacement, 'from ben');
    for (const user of [alice, bob]) {
      const said = await eventually(
        () => saidIn(user, replacement),
        ({ length }) => length >= 2,
      );
      expect(said.sort()).toEqual(['from anna', 'from ben']);
    }
    await expectSameState(replacement);
  });
});

test('a tombstone that other events overtook is taken by both servers', async () => {
  const old = await alice.createRoom({ room_version: '10', preset: 'public_chat' });
  expect(outcome(await joinVia(bob, old, here))).toBe('200');
  const bans = Array.from({ length: 60 }, (_, i) => `@spammer${i}:elsewhere.example`);
  for (const user of bans) await alice.ban(old, user);
  // While bans are carried over, the old room goes on.
  const [replacement] = await Promise.all([
    upgrade(alice, old, '11'),
    ...Array.from({ length: 10 }, (_, i) => bob.request('PUT', path`/v3/rooms/${old}/send/m.test/${i}`, {})),
  ]);
  for (const user of [alice, bob]) {
    expect(await replacementSeenBy(user, old)).toBe(replacement);
  }
  await expectSameState(old);
  const seen = (await alice.state(replacement, 'm.room.create'))['predecessor'] as { event_id: string };
  const tombstone = await bob.expect('GET', path`/v3/rooms/${old}/event/${seen.event_id}`);
  expect(tombstone).toMatchObject({ type: 'm.room.tombstone', sender: alice.userId });
  const members = await alice.expect('GET', path`/v3/rooms/${replacement}/members?membership=ban`);
  expect(members.chunk).toHaveLength(bans.length);
});
