import type { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SyncUser } from '../sync/sync-app.spec-support.js';
import { textOf } from '../test-client-api.spec-support.js';
import { oneList, type SlidingApp, startSlidingApp, UNSTABLE } from './sliding-app.spec-support.js';

describe('lists of sliding sync', () => {
  let app: SlidingApp;
  let alice: SyncUser;
  let bob: SyncUser;
  /** In the order of their activity, the oldest first. */
  const rooms: RoomRows[] = [];

  beforeAll(async () => {
    app = await startSlidingApp();
    alice = await app.register('alice');
    bob = await app.register('bob');
    for (let i = 0; i < 5; i++) rooms.push(await app.createRoom(alice.userId));
  });
  afterAll(() => app.close());

  const ids = (...indexes: number[]) => indexes.map((index) => roomAt(index).roomId);
  function roomAt(index: number): RoomRows {
    const room = rooms[index];
    if (room === undefined) throw new Error('no such room');
    return room;
  }
  async function filtered(filters: JsonObject): Promise<RoomId[]> {
    const answer = await app.slide(alice, { conn_id: 'filters', lists: oneList({ filters }) });
    const found = Object.keys(answer.rooms) as RoomId[];
    expect(answer.lists['all']?.count).toBe(found.length);
    return found;
  }

  it('shows the most recently active rooms, and those that come into the window', async () => {
    const first = await app.slide(alice, { lists: oneList({ range: [0, 1] }) });
    expect(first.lists['all']).toEqual({ count: 5 });
    expect(Object.keys(first.rooms)).toEqual(ids(4, 3));
    await roomAt(0).message(alice.userId, 'up');
    const second = await app.slide(alice, { lists: oneList({ range: [0, 1] }), pos: first.pos });
    expect(Object.keys(second.rooms)).toEqual(ids(0));
    expect(second.rooms[roomAt(0).roomId]).toMatchObject({ initial: true, num_live: 1 });
    const third = await app.slide(alice, { lists: oneList({ range: [0, 9] }), pos: second.pos });
    expect(Object.keys(third.rooms)).toEqual(ids(2, 1));
    expect(third.rooms[roomAt(2).roomId]).toMatchObject({ num_live: 0 });
    const all = await app.slide(alice, { conn_id: 'all', lists: oneList() });
    expect(Object.keys(all.rooms)).toEqual(ids(0, 4, 3, 2, 1));
  });

  it('combines what lists and subscriptions ask for', async () => {
    const config = (type: string, timeline_limit: number) => ({
      timeline_limit,
      required_state: { include: [{ type, state_key: '' }] },
    });
    const roomId = roomAt(4).roomId;
    const { rooms: told } = await app.slide(alice, {
      conn_id: 'combined',
      lists: {
        one: config('m.room.create', 1),
        two: { ...config('m.room.history_visibility', 2), range: [0, 0] },
      },
      room_subscriptions: { [roomId]: config('m.room.history_visibility', 3) },
    });
    expect(told[roomId]).toMatchObject({ lists: ['one'] });
    expect(told[roomId]?.timeline).toHaveLength(3);
    expect(told[roomId]?.required_state).toHaveLength(2);
    expect(told[roomAt(0).roomId]).toMatchObject({ lists: ['one', 'two'] });
    expect(told[roomAt(1).roomId]?.required_state).toHaveLength(1);
  });

  it('filters by what the rooms are', async () => {
    const put = (path: string, body: JsonObject) =>
      app.request('PUT', `/user/${alice.userId}/${path}`, { token: alice.token, body });
    const [dm, secret, space, tagged, child] = [0, 1, 2, 3, 4].map((index) => roomAt(index)) as [
      RoomRows,
      RoomRows,
      RoomRows,
      RoomRows,
      RoomRows,
    ];
    await put('account_data/m.direct', { [bob.userId]: [dm.roomId] });
    await put(`rooms/${tagged.roomId}/account_data/m.tag`, { tags: { 'm.favourite': {}, 'u.work': {} } });
    await secret.state('m.room.encryption', alice.userId, { algorithm: 'm.megolm.v1.aes-sha2' });
    const typed = await app.createRoom(alice.userId);
    await typed.state('m.room.create', alice.userId, { type: 'm.space' });
    await typed.event({
      type: 'm.space.child',
      sender: alice.userId,
      stateKey: child.roomId,
      content: { via: ['hs1'] },
    });
    await typed.event({ type: 'm.space.child', sender: alice.userId, stateKey: space.roomId });
    const foreign = await app.createRoom(bob.userId);
    await foreign.event({
      type: 'm.space.child',
      sender: bob.userId,
      stateKey: tagged.roomId,
      content: { via: ['hs1'] },
    });
    await foreign.member(alice.userId, 'invite', bob.userId);

    expect(await filtered({ is_dm: true })).toEqual([dm.roomId]);
    expect(await filtered({ is_dm: false })).toHaveLength(6);
    expect(await filtered({ is_encrypted: true })).toEqual([secret.roomId]);
    expect(await filtered({ is_encrypted: false })).toHaveLength(6);
    expect(await filtered({ is_invited: true })).toEqual([foreign.roomId]);
    expect(await filtered({ is_invited: false })).toHaveLength(6);
    expect(await filtered({ room_types: ['m.space'] })).toEqual([typed.roomId]);
    expect(await filtered({ room_types: [null, 'm.space'], not_room_types: ['m.space'] })).toHaveLength(6);
    expect(await filtered({ not_room_types: [null] })).toEqual([typed.roomId]);
    expect(await filtered({ tags: ['m.favourite', 'x'] })).toEqual([tagged.roomId]);
    expect(await filtered({ tags: ['m.favourite'], not_tags: ['u.work'] })).toEqual([]);
    expect(await filtered({ spaces: [typed.roomId] })).toEqual([child.roomId]);
    expect(await filtered({ spaces: [foreign.roomId, '!unknown:hs1', 'nonsense'] })).toEqual([]);
  });

  it('filters rooms that were left by what they were then', async () => {
    const erin = await app.register('erin');
    const [then, later] = [await app.createRoom(bob.userId), await app.createRoom(bob.userId)];
    const encryption = { algorithm: 'm.megolm.v1.aes-sha2' };
    await then.state('m.room.encryption', bob.userId, encryption);
    for (const room of [then, later]) {
      await room.member(erin.userId, 'join');
      await room.member(erin.userId, 'leave', bob.userId);
    }
    await later.state('m.room.encryption', bob.userId, encryption);
    const lists = { secret: oneListOf({ is_encrypted: true }), open: oneListOf({ is_encrypted: false }) };
    const { rooms: told } = await app.slide(erin, { lists });
    expect(told).toMatchObject({ [then.roomId]: { lists: ['secret'] }, [later.roomId]: { lists: ['open'] } });
  });

  it('starts anew, or refuses, where it would have to remember too much', async () => {
    // Two of these fit.
    const stateOf = (name: string) => ({
      include: Array.from({ length: 499 }, (_, i) => ({
        type: `${name}${i}`.padEnd(255, 'x'),
        state_key: 'é'.repeat(255),
      })),
    });
    const subscribe = (index: number) => ({
      conn_id: 'large',
      room_subscriptions: {
        [roomAt(index).roomId]: { timeline_limit: 1, required_state: stateOf(`n${index}`) },
      },
    });
    let pos = (await app.slide(alice, subscribe(0))).pos;
    pos = (await app.slide(alice, { ...subscribe(1), pos })).pos;
    expect(await app.ask(alice, { ...subscribe(2), pos })).toMatchObject({
      status: 400,
      body: { errcode: 'M_UNKNOWN_POS' },
    });
    expect(await app.ask(alice, subscribe(2))).toMatchObject({ status: 200 });
    const control = '\u0001'.repeat(250);
    const huge = {
      include: Array.from({ length: 310 }, (_, i) => ({ type: `${i}${control}`, state_key: control })),
    };
    expect(await app.ask(alice, { conn_id: 'huge', lists: oneList({ required_state: huge }) })).toMatchObject(
      {
        status: 400,
        body: { errcode: 'M_INVALID_PARAM' },
      },
    );
  });

  it('filters invites by what another server said of the room', async () => {
    const carol = await app.register('carol');
    const remote = await app.createRoom(bob.userId);
    const invite = await remote.member(carol.userId, 'invite', bob.userId);
    await remote.strippedState(invite, [
      { type: 'm.room.create', state_key: '', sender: bob.userId, content: { type: 'm.space' } },
      { type: 'm.room.encryption', state_key: '', sender: bob.userId, content: {} },
    ]);
    const counts = await app.slide(carol, {
      lists: {
        spaces: { ...oneListOf({ room_types: ['m.space'] }) },
        rooms: { ...oneListOf({ not_room_types: ['m.space'] }) },
        encrypted: { ...oneListOf({ is_encrypted: true }) },
      },
    });
    expect(counts.lists).toEqual({ spaces: { count: 1 }, rooms: { count: 0 }, encrypted: { count: 1 } });
  });

  it('hides the invites of ignored users', async () => {
    const dave = await app.register('dave');
    const room = await app.createRoom(bob.userId);
    await room.member(dave.userId, 'invite', bob.userId);
    const content = { ignored_users: { [bob.userId]: {} } };
    await app.request('PUT', `/user/${dave.userId}/account_data/m.ignored_user_list`, {
      token: dave.token,
      body: content,
    });
    expect(await app.slide(dave, { lists: oneList() })).toMatchObject({
      rooms: {},
      lists: { all: { count: 0 } },
    });
  });

  it('answers clients from before the proposal was written down', async () => {
    const [room, other] = [await app.createRoom(bob.userId), await app.createRoom(bob.userId)];
    await room.member(alice.userId, 'join');
    await other.member(alice.userId, 'invite', bob.userId);
    await room.message(bob.userId, 'hello');
    const body = {
      conn_id: 'old',
      txn_id: 'ignored',
      lists: {
        all: {
          ranges: [
            [0, 0],
            [1, 1],
          ],
          timeline_limit: 1,
          required_state: [
            ['m.room.create', ''],
            ['m.room.member', '$ME'],
            ['m.room.member', '$LAZY'],
          ],
          filters: { not_room_types: ['m.space'], is_invite: null },
        },
      },
      extensions: { to_device: { enabled: true }, e2ee: { enabled: true } },
    };
    const answer = await app.ask(alice, body, UNSTABLE);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        rooms: {
          [room.roomId]: {
            initial: true,
            notification_count: 1,
            highlight_count: 0,
            required_state: expect.arrayContaining([
              expect.objectContaining({ type: 'm.room.create' }),
              expect.objectContaining({ type: 'm.room.member', state_key: alice.userId }),
              expect.objectContaining({ type: 'm.room.member', state_key: bob.userId }),
            ]),
          },
          [other.roomId]: { invite_state: expect.any(Array) },
        },
        extensions: {
          to_device: { next_batch: expect.any(String), events: [] },
          e2ee: {
            device_one_time_keys_count: { signed_curve25519: 0 },
            device_unused_fallback_key_types: [],
          },
        },
      },
    });
    expect(answer.body).not.toHaveProperty('txn_id');
    const pos = textOf(answer.body['pos']);
    const next = await app.ask(alice, body, `${UNSTABLE}?pos=${pos}&timeout=0`);
    expect(next).toMatchObject({ status: 200, body: { rooms: {} } });
    const deeper = { ...body, lists: { all: { ...body.lists.all, timeline_limit: 9 } } };
    const expanded = await app.ask(alice, deeper, `${UNSTABLE}?pos=${pos}`);
    expect(expanded.body).toMatchObject({ rooms: { [room.roomId]: { unstable_expanded_timeline: true } } });
  });

  const list = oneList()['all'] as JsonObject;
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, list]));
  it.each<[string, JsonObject, string]>([
    ['too many lists', { lists: many(101) }, 'M_INVALID_PARAM'],
    [
      'too many subscriptions',
      { room_subscriptions: Object.fromEntries(Object.entries(many(101)).map(([k, v]) => [`!${k}:x`, v])) },
      'M_INVALID_PARAM',
    ],
    ['a list name that is no identifier', { lists: { 'a b': list } }, 'M_INVALID_PARAM'],
    ['an unknown presence', { set_presence: 'hiding' }, 'M_INVALID_PARAM'],
    ['a range that ends before it begins', { lists: oneList({ range: [2, 1] }) }, 'M_INVALID_PARAM'],
    ['a negative range', { lists: oneList({ range: [-1, 1] }) }, 'M_BAD_JSON'],
    ['no timeline limit', { lists: { all: { required_state: {} } } }, 'M_BAD_JSON'],
    ['the older required state', { lists: oneList({ required_state: [['*', '*']] }) }, 'M_BAD_JSON'],
    [
      'too much required state',
      { lists: oneList({ required_state: { include: Array.from({ length: 501 }, () => ({ type: 'a' })) } }) },
      'M_INVALID_PARAM',
    ],
    [
      'what no text can hold',
      { lists: oneList({ required_state: { include: [{ type: 'a\0' }] } }) },
      'M_BAD_JSON',
    ],
    ['a timeout that is none', { timeout: 'long' }, 'M_BAD_JSON'],
    ['a connection id that is none', { conn_id: 1 }, 'M_BAD_JSON'],
  ])('refuses %s', async (_, body, errcode) => {
    expect(await app.ask(alice, body)).toMatchObject({ status: 400, body: { errcode } });
  });
});

function oneListOf(filters: JsonObject): JsonObject {
  return { timeline_limit: 1, required_state: {}, filters };
}
