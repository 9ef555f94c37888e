import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Federation, path, query, register, startFederation, type TestUser } from '@atoll/testing';
import { hierarchyPages, namesIn } from '../space-pages.js';
import { testSettings } from '../test-settings.js';
import { outcome } from '../users.js';
import { eventually } from './eventually.js';

let federation: Federation;
/** Of the first server. */
let alice: TestUser;
/** Of the second one; carol is not in the space. */
let bob: TestUser;
let carol: TestUser;
let here: string;
let there: string;

beforeAll(async () => {
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings });
  const [one, two] = federation.servers;
  if (!one || !two) throw new Error('two servers were asked for');
  [here, there] = [one.serverName, two.serverName];
  alice = await register(one.clientUrl, 'alice');
  bob = await register(two.clientUrl, 'bob');
  carol = await register(two.clientUrl, 'carol');
});
afterAll(() => federation.stop());

const restrictedTo = (space: string) => ({
  preset: 'private_chat',
  initial_state: [
    {
      type: 'm.room.join_rules',
      state_key: '',
      content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] },
    },
  ],
});
const asSpace = { creation_content: { type: 'm.space' } };
const joinVia = (user: TestUser, roomId: string, server: string) =>
  user.expect('POST', path`/v3/join/${roomId}` + `?via=${server}`, {});

describe('a space with rooms of two servers', () => {
  let space: string;
  const rooms: Record<string, string> = {};

  beforeAll(async () => {
    space = await alice.createRoom({ name: 'space', preset: 'public_chat', ...asSpace });
    await joinVia(bob, space, here);
    for (const [user, suffix, server] of [
      [alice, 'A', here],
      [bob, 'B', there],
    ] as const) {
      const kinds = {
        public: { preset: 'public_chat' },
        restricted: restrictedTo(space),
        private: { preset: 'private_chat' },
        inner: { preset: 'public_chat', ...asSpace },
      };
      for (const [kind, options] of Object.entries(kinds)) {
        const name = `${kind} ${suffix}`;
        rooms[name] = await user.createRoom({ name, ...options });
        await alice.setState(space, 'm.space.child', { via: [server] }, rooms[name]);
      }
      const leaf = await user.createRoom({ name: `leaf ${suffix}`, preset: 'public_chat' });
      await user.setState(rooms[`inner ${suffix}`] ?? '', 'm.space.child', { via: [server] }, leaf);
    }
    await eventually(
      () => hierarchyPages(bob, space),
      ([page]) => page?.[0]?.children_state.length === 8,
    );
  });

  const ofA = ['public A', 'restricted A', 'private A', 'inner A', 'leaf A'];
  const ofB = ['public B', 'restricted B', 'private B', 'inner B', 'leaf B'];
  const without = (names: string[], ...gone: string[]) => names.filter((name) => !gone.includes(name));

  test('shows to members what they may enter, on either server', async () => {
    const forAlice = ['space', ...ofA, ...without(ofB, 'private B')];
    const forBob = ['space', ...without(ofA, 'private A'), ...ofB];
    expect(await namesIn(alice, space)).toEqual(forAlice);
    expect(await namesIn(bob, space)).toEqual(forBob);
    expect(await namesIn(alice, space, { limit: 3 })).toEqual(forAlice);
    expect(await namesIn(bob, space, { limit: 3 })).toEqual(forBob);
  });

  test('shows to others what is open to all', async () => {
    const open = ['space', 'public A', 'inner A', 'leaf A', 'public B', 'inner B', 'leaf B'];
    expect(await namesIn(carol, space)).toEqual(open);
  });

  test('that the own server is not in is asked for', async () => {
    const inner = rooms['inner A'] ?? '';
    // Its id names no server: without the space, nobody is known to ask.
    expect(outcome(await carol.request('GET', path`/v1/rooms/${inner}/hierarchy`))).toBe('403 M_FORBIDDEN');
    const old = await alice.createRoom({
      name: 'old',
      preset: 'public_chat',
      room_version: '10',
      ...asSpace,
    });
    await alice.setState(old, 'm.space.child', { via: [here] }, rooms['public A']);
    expect(await namesIn(carol, old)).toEqual(['old', 'public A']);
  });

  test('has rooms whose summaries come from where they are', async () => {
    const summary = (user: TestUser, name: string) =>
      user.request('GET', path`/v1/room_summary/${rooms[name] ?? ''}` + query({ via: here }));
    expect((await summary(bob, 'public A')).body).toMatchObject({ name: 'public A', membership: 'leave' });
    expect((await summary(bob, 'restricted A')).body).toMatchObject({ allowed_room_ids: [space] });
    expect(outcome(await summary(carol, 'restricted A'))).toBe('404 M_NOT_FOUND');
    expect(outcome(await summary(bob, 'private A'))).toBe('404 M_NOT_FOUND');
  });

  test('may be closed to a server', async () => {
    const inner = rooms['inner A'] ?? '';
    await alice.setState(inner, 'm.room.join_rules', { join_rule: 'invite' });
    // What carol's server was told is remembered for a while; suggested rooms were not asked for yet.
    await alice.setState(space, 'm.space.child', { via: [here], suggested: true }, inner);
    const suggested = await eventually(
      () => hierarchyPages(carol, space, { suggested_only: true }),
      ([page]) => page?.[0]?.children_state.length === 1,
    );
    expect(suggested.flat().map(({ name }) => name)).toEqual(['space']);
  });
});

test('an event from before a server came is found by its time, and can be read there', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  const said: string[] = [];
  for (let n = 0; n < 130; n++) said.push(await alice.send(roomId, `n ${n}`));
  await joinVia(bob, roomId, here);
  const event = await alice.expect('GET', path`/v3/rooms/${roomId}/event/${said[5] ?? ''}`);
  for (const dir of ['f', 'b']) {
    const at =
      path`/v1/rooms/${roomId}/timestamp_to_event` + query({ ts: Number(event['origin_server_ts']), dir });
    const atHome = await alice.expect('GET', at);
    const found = await bob.expect('GET', at);
    expect(found).toEqual(atHome);
    const context = await bob.expect('GET', path`/v3/rooms/${roomId}/context/${found.event_id ?? ''}`);
    expect(context['event']).toMatchObject({ event_id: found.event_id, type: 'm.room.message' });
  }
  const first = await bob.expect(
    'GET',
    path`/v1/rooms/${roomId}/timestamp_to_event` + query({ ts: 0, dir: 'f' }),
  );
  expect(await bob.expect('GET', path`/v3/rooms/${roomId}/event/${first.event_id ?? ''}`)).toMatchObject({
    type: 'm.room.create',
  });
});
