import type { RoomRows } from '@atoll/database/testing';
import { currentPositions, SlidingConnectionTransactor } from '@atoll/database';
import type { DeviceId, JsonObject, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { namesOf, type SyncUser } from '../sync/sync-app.spec-support.js';
import { decodePos, encodePos } from './pos.js';
import { oneList, type SlidingAnswer, type SlidingApp, startSlidingApp } from './sliding-app.spec-support.js';

describe('rooms in sliding sync', () => {
  let app: SlidingApp;
  let alice: SyncUser;
  let bob: SyncUser;
  let room: RoomRows;
  let users = 0;

  beforeAll(async () => {
    app = await startSlidingApp();
  });
  afterAll(() => app.close());

  beforeEach(async () => {
    users++;
    alice = await app.register(`alice${users}`);
    bob = await app.register(`bob${users}`);
    room = await app.createRoom(alice.userId);
    await room.member(bob.userId, 'join', bob.userId, { displayname: 'Bob', avatar_url: 'mxc://hs1/bob' });
  });

  const slide = async (user: SyncUser, list: JsonObject, pos?: string) => {
    const answer = await app.slide(user, { lists: oneList(list), pos });
    return { ...answer, room: answer.rooms[room.roomId] };
  };

  it('tells a room whole, then what changes in it', async () => {
    await room.message(bob.userId, 'one');
    const state = { include: [{ type: 'm.room.name' }, { type: 'm.room.topic', state_key: '' }] };
    const first = await slide(alice, { required_state: state, timeline_limit: 1 });
    expect(first.lists).toEqual({ all: { count: 1 } });
    expect(first.room).toMatchObject({
      initial: true,
      membership: 'join',
      lists: ['all'],
      heroes: [{ user_id: bob.userId, displayname: 'Bob', avatar_url: 'mxc://hs1/bob' }],
      joined_count: 2,
      invited_count: 0,
      limited: true,
      num_live: 0,
      bump_stamp: expect.any(Number),
    });
    expect(namesOf(first.room?.timeline)).toEqual(['one']);
    expect(first.room).not.toHaveProperty('name');
    expect(first.room).not.toHaveProperty('required_state');

    await room.state('m.room.name', alice.userId, { name: 'Name' });
    await room.state('m.room.topic', alice.userId, { topic: 'Topic' });
    await room.state('m.room.avatar', alice.userId, { url: 'mxc://hs1/room' });
    const second = await slide(alice, { required_state: state }, first.pos);
    expect(second.room).toMatchObject({ name: 'Name', avatar: 'mxc://hs1/room', num_live: 3 });
    expect(second.room).not.toHaveProperty('initial');
    expect(second.room).not.toHaveProperty('heroes');
    expect(second.room).not.toHaveProperty('joined_count');
    expect(second.room).not.toHaveProperty('bump_stamp');
    expect(namesOf(second.room?.required_state).sort()).toEqual(['m.room.name', 'm.room.topic']);

    await room.state('m.room.name', alice.userId, {});
    const third = await slide(alice, { required_state: state }, second.pos);
    expect(third.room).toMatchObject({ name: null, heroes: [{ user_id: bob.userId }] });
    expect((await slide(alice, { required_state: state }, third.pos)).rooms).toEqual({});
  });

  it('tells a name and an avatar that were redacted as removed', async () => {
    const name = await room.state('m.room.name', alice.userId, { name: 'Name' });
    const avatar = await room.state('m.room.avatar', alice.userId, { url: 'mxc://hs1/room' });
    const first = await slide(alice, {});
    expect(first.room).toMatchObject({ name: 'Name', avatar: 'mxc://hs1/room' });
    const redact = (redacts: typeof name) =>
      room.event({ type: 'm.room.redaction', sender: alice.userId, redacts });
    await redact(name);
    const second = await slide(alice, {}, first.pos);
    expect(second.room).toMatchObject({ name: null, heroes: [{ user_id: bob.userId }] });
    expect(second.room).not.toHaveProperty('avatar');
    await redact(avatar);
    const third = await slide(alice, {}, second.pos);
    expect(third.room).toMatchObject({ avatar: null });
    expect(third.room).not.toHaveProperty('name');
  });

  it('tells who was in a room that was left, and nothing of what came later', async () => {
    const [carol, dave] = ['@carol:hs1', '@dave:hs1'] as [UserId, UserId];
    await room.member(dave, 'invite', alice.userId, { displayname: 'Dave' });
    await room.member(carol, 'knock', carol, { displayname: '\0' });
    await room.member(bob.userId, 'leave', alice.userId);
    const then = {
      membership: 'leave',
      heroes: [{ user_id: alice.userId }, { user_id: dave, displayname: 'Dave' }],
      joined_count: 1,
      invited_count: 1,
    };
    expect((await slide(bob, {})).room).toMatchObject(then);
    await room.member(carol, 'join');
    await room.member(dave, 'join');
    await room.member(alice.userId, 'leave');
    const later = await slide(bob, {});
    expect(later.room).toMatchObject(then);
    expect(later.room?.heroes).toHaveLength(2);
  });

  it('repeats an answer that got lost, and refuses what it never gave', async () => {
    const first = await slide(alice, {});
    await room.message(bob.userId, 'again');
    const told = await slide(alice, {}, first.pos);
    const repeated = await slide(alice, {}, first.pos);
    expect(namesOf(repeated.room?.timeline)).toEqual(['again']);
    expect(namesOf(told.room?.timeline)).toEqual(['again']);
    expect((await slide(alice, {}, repeated.pos)).rooms).toEqual({});

    const unknown = { status: 400, body: { errcode: 'M_UNKNOWN_POS' } };
    const body = { lists: oneList(), pos: repeated.pos };
    expect(await app.ask(bob, body)).toMatchObject(unknown);
    expect(await app.ask(alice, { ...body, conn_id: 'other' })).toMatchObject(unknown);
    expect(await app.ask(alice, { ...body, pos: 'nonsense' })).toMatchObject(unknown);
    expect(await app.ask(alice, { ...body, pos: `${repeated.pos}9` })).toMatchObject(unknown);
    const otherDevice = await app.logIn(alice.userId);
    expect(await app.ask(otherDevice, body)).toMatchObject(unknown);
    await slide(alice, {});
    expect(await app.ask(alice, body)).toMatchObject(unknown);
  });

  it('repeats what it told in a way that is remembered, until the client has it', async () => {
    const other = await app.createRoom(alice.userId);
    const narrow = await app.slide(alice, { lists: oneList({ range: [0, 0] }) });
    expect(Object.keys(narrow.rooms)).toEqual([other.roomId]);
    const wide = await app.slide(alice, { lists: oneList({ range: [0, 1] }), pos: narrow.pos });
    const again = await app.slide(alice, { lists: oneList({ range: [0, 1] }), pos: narrow.pos });
    expect(Object.keys(wide.rooms)).toEqual([room.roomId]);
    expect(Object.keys(again.rooms)).toEqual([room.roomId]);
    // Either answer may be the one that the client got.
    for (const { pos } of [wide, again]) {
      expect((await app.slide(alice, { lists: oneList({ range: [0, 1] }), pos })).rooms).toEqual({});
    }
    await room.message(bob.userId, 'x');
    await other.message(alice.userId, 'x');
    const narrowed = await app.slide(alice, { lists: oneList({ range: [0, 0] }), pos: again.pos });
    const gone = await app.ask(alice, { lists: oneList(), pos: narrow.pos });
    expect(gone).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN_POS' } });
    const caughtUp = await app.slide(alice, { lists: oneList({ range: [0, 1] }), pos: narrowed.pos });
    expect(namesOf(caughtUp.rooms[room.roomId]?.timeline)).toEqual(['x']);
    expect(caughtUp.rooms[room.roomId]).not.toHaveProperty('initial');
    expect(Object.keys(caughtUp.rooms)).toEqual([room.roomId]);
  });

  it('tells what a wider configuration adds, and nothing twice', async () => {
    for (const body of ['A', 'B', 'C', 'D']) await room.message(bob.userId, body);
    await room.state('m.room.topic', alice.userId, { topic: 'T' });
    const create = { type: 'm.room.create', state_key: '' };
    const first = await slide(alice, { timeline_limit: 1, required_state: { include: [create] } });
    expect(namesOf(first.room?.required_state)).toEqual(['m.room.create']);
    const wider = { timeline_limit: 3, required_state: { include: [create, { type: 'm.room.topic' }] } };
    const second = await slide(alice, wider, first.pos);
    expect(second.room).toMatchObject({ expanded_timeline: true, limited: true, num_live: 0 });
    expect(namesOf(second.room?.timeline)).toEqual(['C', 'D', 'm.room.topic']);
    expect(namesOf(second.room?.required_state)).toEqual(['m.room.topic']);
    expect((await slide(alice, wider, second.pos)).rooms).toEqual({});
    expect((await slide(alice, { ...wider, timeline_limit: 2 }, second.pos)).rooms).toEqual({});
    const all = await slide(alice, { ...wider, timeline_limit: 50 }, second.pos);
    expect(all.room?.timeline).toHaveLength(9);
    expect(all.room).not.toHaveProperty('limited');
    const more = await slide(alice, { ...wider, timeline_limit: 60 }, all.pos);
    expect(more.rooms).toEqual({});
  });

  it('loads members lazily, those that are needed and each once', async () => {
    const carol = await app.register(`carol${users}`);
    await room.member(carol.userId, 'join');
    await room.message(bob.userId, 'hello');
    const lazy = { timeline_limit: 1, required_state: { include: [{}], lazy_members: true } };
    const first = await slide(alice, lazy);
    const members = (events: readonly JsonObject[] = []) =>
      namesOf(events).filter((name) => name.startsWith('m.room.member/'));
    expect(members(first.room?.required_state)).toEqual([`m.room.member/${bob.userId}`]);
    expect(namesOf(first.room?.required_state)).toContain('m.room.create');
    await room.message(bob.userId, 'hello');
    await room.message(carol.userId, 'hello');
    const second = await slide(alice, { ...lazy, timeline_limit: 2 }, first.pos);
    expect(members(second.room?.required_state)).toEqual([`m.room.member/${carol.userId}`]);
    await room.member(bob.userId, 'join', bob.userId, { displayname: 'Robert' });
    await room.message(alice.userId, 'hello');
    const third = await slide(alice, lazy, second.pos);
    expect(members(third.room?.required_state)).toEqual([`m.room.member/${alice.userId}`]);
    await room.member(bob.userId, 'join', bob.userId, { displayname: 'Bobby' });
    const fourth = await slide(alice, { ...lazy, timeline_limit: 5 }, third.pos);
    expect(fourth.room?.required_state).toMatchObject([
      { state_key: bob.userId, content: { displayname: 'Bobby' } },
    ]);
  });

  it('lists invites with their stripped state, joins anew, and leaves once', async () => {
    const dave = await app.register(`dave${users}`);
    await room.member(dave.userId, 'invite', alice.userId);
    const first = await slide(dave, {});
    expect(first.room).toMatchObject({ membership: 'invite', initial: true });
    expect(namesOf(first.room?.stripped_state)).toContain(`m.room.member/${dave.userId}`);
    expect(first.room).not.toHaveProperty('timeline');
    expect((await slide(dave, {}, first.pos)).rooms).toEqual({});

    await room.member(dave.userId, 'join');
    const second = await slide(dave, {}, first.pos);
    expect(second.room).toMatchObject({ membership: 'join', initial: true, joined_count: 3 });

    await room.message(alice.userId, 'before');
    await room.member(dave.userId, 'leave');
    await room.message(alice.userId, 'secret');
    const third = await slide(dave, {}, second.pos);
    expect(third.room).toMatchObject({ membership: 'leave' });
    expect(namesOf(third.room?.timeline)).toEqual(['before', `m.room.member/${dave.userId}`]);
    expect((await slide(dave, {}, third.pos)).rooms).toEqual({});
    const anew = await app.slide(dave, { conn_id: 'other', lists: oneList() });
    expect(anew).toMatchObject({ rooms: {}, lists: { all: { count: 0 } } });

    await room.member(dave.userId, 'invite', alice.userId);
    const fourth = await slide(dave, {}, third.pos);
    expect(fourth.room).toMatchObject({ membership: 'invite', stripped_state: expect.any(Array) });
    await room.member(dave.userId, 'leave');
    const fifth = await slide(dave, {}, fourth.pos);
    expect(fifth.room).toMatchObject({ membership: 'leave' });
    expect((await slide(dave, {}, fifth.pos)).rooms).toEqual({});
  });

  it('tells what became of an invite, and nothing more of the room', async () => {
    const dave = await app.register(`gina${users}`);
    await room.member(dave.userId, 'invite', alice.userId);
    const first = await slide(dave, {});
    await room.message(bob.userId, 'secret');
    await room.member(dave.userId, 'leave');
    const { room: told, pos } = await slide(dave, {}, first.pos);
    expect(told).toMatchObject({
      membership: 'leave',
      stripped_state: [{ type: 'm.room.member', state_key: dave.userId, content: { membership: 'leave' } }],
    });
    expect(told).not.toHaveProperty('timeline');
    expect((await slide(dave, {}, pos)).rooms).toEqual({});
  });

  it('tells a room joined again from its beginning on', async () => {
    const dave = await app.register(`eve${users}`);
    await room.member(dave.userId, 'join');
    const first = await slide(dave, {});
    await room.member(dave.userId, 'leave');
    await room.member(dave.userId, 'join');
    const { room: again } = await slide(dave, {}, first.pos);
    expect(again).toMatchObject({ initial: true, membership: 'join' });
  });

  it('keeps rooms in which the user was kicked or banned, but not those that were never joined', async () => {
    const dave = await app.register(`frank${users}`);
    const [kicked, banned, rescinded] = [
      room,
      await app.createRoom(alice.userId),
      await app.createRoom(alice.userId),
    ];
    for (const left of [kicked, banned]) await left.member(dave.userId, 'join');
    await kicked.member(dave.userId, 'leave', alice.userId);
    await banned.member(dave.userId, 'ban', alice.userId);
    await rescinded.member(dave.userId, 'ban', alice.userId);
    const first = await slide(dave, {});
    expect(Object.keys(first.rooms).sort()).toEqual([kicked.roomId, banned.roomId].sort());
    expect(first.room).toMatchObject({ membership: 'leave', initial: true });
    const subscribed = await app.slide(dave, {
      room_subscriptions: { [rescinded.roomId]: { timeline_limit: 5, required_state: { include: [{}] } } },
    });
    expect(subscribed.rooms).toEqual({});
  });

  it('tells more of rooms that were left, when more is asked for', async () => {
    const dave = await app.register(`kay${users}`);
    await room.member(dave.userId, 'join');
    for (const body of ['A', 'B', 'C']) await room.message(alice.userId, body);
    await room.state('m.room.topic', alice.userId, { topic: 'then' });
    await room.member(dave.userId, 'leave', alice.userId);
    await room.state('m.room.topic', alice.userId, { topic: 'later' });
    await room.message(alice.userId, 'later');
    const first = await slide(dave, { timeline_limit: 1 });
    expect(first.room).toMatchObject({ membership: 'leave', initial: true });
    expect(first.room).not.toHaveProperty('required_state');

    const state = { include: [{ type: 'm.room.topic' }] };
    const subscription = { [room.roomId]: { timeline_limit: 4, required_state: state } };
    const wider = { lists: oneList({ timeline_limit: 1 }), room_subscriptions: subscription };
    const second = await app.slide(dave, { ...wider, pos: first.pos });
    const told = second.rooms[room.roomId];
    expect(told).toMatchObject({ membership: 'leave', expanded_timeline: true, limited: true, num_live: 0 });
    expect(told?.required_state).toMatchObject([{ content: { topic: 'then' } }]);
    expect(namesOf(told?.timeline)).toEqual(['B', 'C', 'm.room.topic', `m.room.member/${dave.userId}`]);
    expect((await app.slide(dave, { ...wider, pos: second.pos })).rooms).toEqual({});

    const body = { [alice.userId]: [room.roomId] };
    await app.request('PUT', `/user/${dave.userId}/account_data/m.direct`, { token: dave.token, body });
    const third = await app.slide(dave, { ...wider, pos: second.pos });
    expect(third.rooms[room.roomId]).toMatchObject({ membership: 'leave', is_dm: true });
    expect(third.rooms[room.roomId]).not.toHaveProperty('timeline');
    expect((await app.slide(dave, { ...wider, pos: third.pos })).rooms).toEqual({});
  });

  it('tells of a membership that a state resolution removed, and not of the event that did', async () => {
    const dave = await app.register(`lea${users}`);
    const invite = await room.member(dave.userId, 'invite', alice.userId);
    const first = await slide(dave, {});
    const cause = await room.message(alice.userId, 'secret');
    await app.database.db
      .updateTable('memberships')
      .set({ membership: 'leave', event_nid: cause.eventNid, position: cause.position })
      .where('event_nid', '=', invite.eventNid)
      .execute();
    const { room: told } = await slide(dave, {}, first.pos);
    expect(told).toMatchObject({ membership: 'leave', stripped_state: [] });
  });

  it('tells members again to a connection that began elsewhere', async () => {
    const lazy = { lists: oneList({ timeline_limit: 1, required_state: { lazy_members: true } }) };
    const told = (answer: SlidingAnswer) => namesOf(answer.rooms[room.roomId]?.required_state);
    const bobs = [`m.room.member/${bob.userId}`];
    await room.message(bob.userId, 'one');
    const first = await app.slide(alice, lazy);
    expect(told(first)).toEqual(bobs);
    await room.message(bob.userId, 'two');
    const second = await app.slide(alice, { ...lazy, pos: first.pos });
    expect(told(second)).toEqual([]);

    // Another instance begins the connection anew, and knows what this one does not: here, that bob was not told.
    await room.message(alice.userId, 'three');
    const pos = decodePos(second.pos);
    if (pos === undefined) throw new Error('no pos');
    const { memory } = await app.database.db
      .selectFrom('sliding_memories')
      .select('memory')
      .where('connection_nid', '=', pos.connectionNid)
      .executeTakeFirstOrThrow();
    const owner = { userId: alice.userId, deviceId: alice.deviceId as DeviceId, connId: '' };
    const positions = await currentPositions(app.database.db);
    const opened = await app.database.db
      .transaction()
      .execute((trx) => new SlidingConnectionTransactor(trx).open(owner, memory, Date.now()));
    if (opened === undefined) throw new Error('no connection');
    await room.message(bob.userId, 'four');
    const anew = await app.slide(alice, { ...lazy, pos: encodePos({ ...opened, positions }) });
    expect(namesOf(anew.rooms[room.roomId]?.timeline)).toEqual(['four']);
    expect(told(anew)).toEqual(bobs);
  });

  it('tells removed state by a stub, to those who know stubs', async () => {
    await room.state('m.room.topic', alice.userId, { topic: 'T' });
    const state = { include: [{ type: 'm.room.topic', state_key: '' }] };
    const first = await slide(alice, { required_state: state });
    await app.together(async ({ db }) => {
      const { position } = await room.within(db).message(bob.userId, 'a fork won');
      const key = await db
        .updateTable('room_state')
        .set({ to_position: position })
        .where('room_nid', '=', room.roomNid)
        .where('type_nid', '=', (eb) =>
          eb.selectFrom('event_types').select('type_nid').where('type', '=', 'm.room.topic'),
        )
        .returning(['room_nid', 'type_nid', 'state_key_nid'])
        .executeTakeFirstOrThrow();
      await db
        .insertInto('room_state')
        .values({ ...key, event_nid: null, from_position: position, to_position: null })
        .execute();
    });
    const { room: told } = await slide(alice, { required_state: state }, first.pos);
    expect(told?.required_state).toEqual([{ type: 'm.room.topic', state_key: '' }]);
  });

  it('subscribes to rooms that no list shows, if the user may know them', async () => {
    const hidden = await app.createRoom(bob.userId);
    const config = {
      timeline_limit: 2,
      required_state: { include: [{ type: 'm.room.create', state_key: '' }] },
    };
    const body = { room_subscriptions: { [room.roomId]: config, [hidden.roomId]: config, nonsense: config } };
    const first = await app.slide(alice, body);
    expect(Object.keys(first.rooms)).toEqual([room.roomId]);
    expect(first.rooms[room.roomId]).not.toHaveProperty('lists');
    expect(namesOf(first.rooms[room.roomId]?.required_state)).toEqual(['m.room.create']);
    const without = await app.slide(alice, { pos: first.pos });
    await room.message(bob.userId, 'x');
    expect((await app.slide(alice, { pos: without.pos })).rooms).toEqual({});
    const back = await app.slide(alice, { ...body, pos: without.pos });
    expect(namesOf(back.rooms[room.roomId]?.timeline)).toEqual(['x']);
  });
});
