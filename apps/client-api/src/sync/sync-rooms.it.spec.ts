import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ForgottenRoomTransactor } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import {
  namesOf,
  startSyncApp,
  type SyncAnswer,
  type SyncApp,
  type SyncUser,
} from './sync-app.spec-support.js';

describe('the rooms of a sync', () => {
  let app: SyncApp;
  let alice: SyncUser;
  let bob: SyncUser;
  let users = 0;

  beforeAll(async () => {
    app = await startSyncApp();
  });
  afterAll(() => app.close());

  const newUsers = async () => {
    users++;
    [alice, bob] = await Promise.all([app.register(`alice${users}`), app.register(`bob${users}`)]);
  };
  const membersOf = (events: readonly JsonObject[] = []) =>
    events.filter(({ type }) => type === 'm.room.member').map(({ state_key }) => state_key);

  it('tells a new room whole, from its create event on, and then only news', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    await room.member(bob.userId, 'invite', alice.userId);
    const quiet = await app.createRoom(alice.userId);
    const first = await app.sync(alice);
    const told = first.rooms?.join?.[room.roomId];
    expect(told).toEqual({
      summary: { 'm.heroes': [bob.userId], 'm.joined_member_count': 1, 'm.invited_member_count': 1 },
      state: { events: [] },
      timeline: { events: expect.any(Array), limited: false, prev_batch: expect.any(String) },
      unread_notifications: { notification_count: 0, highlight_count: 0 },
      ephemeral: { events: [] },
      account_data: { events: [] },
    });
    expect(namesOf(told?.timeline.events)).toEqual([
      'm.room.create',
      `m.room.member/${alice.userId}`,
      'm.room.history_visibility',
      `m.room.member/${bob.userId}`,
    ]);
    expect(told?.timeline.events[0]).not.toHaveProperty('room_id');
    expect(Object.keys(first.rooms?.join ?? {}).sort()).toEqual([room.roomId, quiet.roomId].sort());

    const idle = await app.sync(alice, { since: first.next_batch });
    expect(idle).toEqual({ next_batch: first.next_batch });

    await room.message(alice.userId, 'hello');
    const next = await app.sync(alice, { since: first.next_batch });
    expect(Object.keys(next.rooms?.join ?? {})).toEqual([room.roomId]);
    const news = next.rooms?.join?.[room.roomId];
    expect(namesOf(news?.timeline.events)).toEqual(['hello']);
    expect(news?.timeline.events[0]).toMatchObject({ unsigned: { membership: 'join' } });
    expect(news).toMatchObject({ state: { events: [] }, timeline: { limited: false } });
    expect(news).not.toHaveProperty('summary');
  });

  it('bridges a gap with the state that changed in it', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    await room.state('m.room.name', alice.userId, { name: 'old' });
    const { next_batch: since } = await app.sync(alice);
    await room.state('m.room.name', alice.userId, { name: 'lost in the gap' });
    await room.state('m.room.name', alice.userId, { name: 'before the timeline' });
    await room.member(bob.userId, 'join');
    const gap = await room.message(bob.userId, 'm1');
    await room.state('m.room.name', alice.userId, { name: 'in the timeline' });
    await room.message(bob.userId, 'm2');
    const filter = { room: { timeline: { limit: 2 } } };
    const answer = await app.sync(alice, { since, filter });
    const told = answer.rooms?.join?.[room.roomId];
    expect(told?.timeline.limited).toBe(true);
    expect(namesOf(told?.timeline.events)).toEqual(['m.room.name', 'm2']);
    expect(told?.timeline.events[0]?.['unsigned']).toMatchObject({
      prev_content: { name: 'before the timeline' },
    });
    expect(namesOf(told?.state?.events).sort()).toEqual([`m.room.member/${bob.userId}`, 'm.room.name']);
    expect(told?.state?.events.find(({ type }) => type === 'm.room.name')).toMatchObject({
      content: { name: 'before the timeline' },
    });
    expect(told?.summary).toMatchObject({ 'm.joined_member_count': 2 });
    // A token of the point before the timeline is one that a sync could have given.
    const resumed = await app.sync(alice, { since: told?.timeline.prev_batch });
    expect(namesOf(resumed.rooms?.join?.[room.roomId]?.timeline.events)).toEqual(['m.room.name', 'm2']);
    expect(gap.position).toBeGreaterThan(0);

    const after = await app.sync(alice, { since, filter, use_state_after: true });
    const toldAfter = after.rooms?.join?.[room.roomId];
    expect(toldAfter).not.toHaveProperty('state');
    expect(toldAfter?.state_after?.events.find(({ type }) => type === 'm.room.name')).toMatchObject({
      content: { name: 'in the timeline' },
    });
    const unstable = await app.sync(alice, { since, filter, 'org.matrix.msc4222.use_state_after': true });
    const ofRoom = unstable.rooms?.join?.[room.roomId] as unknown as Record<string, unknown>;
    expect(ofRoom['org.matrix.msc4222.state_after']).toEqual({ events: expect.any(Array) });
  });

  it('tells state that the filter hides from the timeline, or that moved without an event', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    const first = await room.state('m.room.topic', alice.userId, { topic: 'one' });
    const { next_batch: since } = await app.sync(alice);
    await room.state('m.room.topic', alice.userId, { topic: 'two' });
    await room.message(alice.userId, 'm1');
    const filter = { room: { timeline: { types: ['m.room.message'] } } };
    const hidden = await app.sync(alice, { since, filter });
    expect(hidden.rooms?.join?.[room.roomId]?.state?.events).toMatchObject([{ content: { topic: 'two' } }]);

    const then = (await app.sync(alice)).next_batch;
    const cause = await room.message(alice.userId, 'resolves');
    await app.database.pool.query(
      `WITH closed AS (UPDATE room_state SET to_position = $1 WHERE room_nid = $2 AND to_position IS NULL
         AND type_nid = (SELECT type_nid FROM event_types WHERE type = 'm.room.topic') RETURNING *)
       INSERT INTO room_state SELECT room_nid, type_nid, state_key_nid, $3, $1 FROM closed`,
      [cause.position, room.roomNid, first.eventNid],
    );
    for (const parameters of [{}, { use_state_after: true }]) {
      const told = (await app.sync(alice, { since: then, ...parameters })).rooms?.join?.[room.roomId];
      expect(told?.state?.events ?? told?.state_after?.events).toMatchObject([{ event_id: first.eventId }]);
    }
  });

  it('loads members lazily, each once unless asked otherwise', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    await room.state('m.room.name', alice.userId, { name: 'large' });
    const carol = await app.register(`carol${users}`);
    for (const user of [bob, carol]) await room.member(user.userId, 'join');
    for (const n of [1, 2, 3]) await room.message(alice.userId, `a${n}`);
    await room.message(carol.userId, 'c1');
    const lazy = (more: object = {}) => ({
      room: { timeline: { limit: 2 }, state: { lazy_load_members: true, ...more } },
    });
    const first = await app.sync(alice, { filter: lazy() });
    const told = first.rooms?.join?.[room.roomId];
    expect(membersOf(told?.state?.events).sort()).toEqual([alice.userId, carol.userId].sort());
    expect(namesOf(told?.state?.events)).toContain('m.room.create');

    await room.message(carol.userId, 'c2');
    await room.message(bob.userId, 'b1');
    const next = await app.sync(alice, { since: first.next_batch, filter: lazy() });
    expect(membersOf(next.rooms?.join?.[room.roomId]?.state?.events)).toEqual([bob.userId]);
    const redundant = await app.sync(alice, {
      since: first.next_batch,
      filter: lazy({ include_redundant_members: true }),
    });
    expect(membersOf(redundant.rooms?.join?.[room.roomId]?.state?.events).sort()).toEqual(
      [bob.userId, carol.userId].sort(),
    );
    // The answer with bob may have been lost: with the old token he comes again.
    const lost = await app.sync(alice, { since: first.next_batch, filter: lazy() });
    expect(membersOf(lost.rooms?.join?.[room.roomId]?.state?.events)).toEqual([bob.userId]);
    await room.message(bob.userId, 'b2');
    const third = await app.sync(alice, { since: next.next_batch, filter: lazy() });
    expect(membersOf(third.rooms?.join?.[room.roomId]?.state?.events)).toEqual([]);
  });

  it('tells members again who were told on another way than that of the token', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    await room.member(bob.userId, 'join');
    await room.message(bob.userId, 'b1');
    const filter = { room: { timeline: { limit: 1 }, state: { lazy_load_members: true } } };
    const membersIn = (answer: SyncAnswer) => membersOf(answer.rooms?.join?.[room.roomId]?.state?.events);
    const first = await app.sync(alice, { filter });
    expect(membersIn(first)).toContain(bob.userId);

    // The client starts anew on another instance, which gives a token of the same positions.
    const elsewhere = first.next_batch.replace(/~.*$/, '~abcdefgh');
    expect(elsewhere).not.toBe(first.next_batch);
    await room.message(bob.userId, 'b2');
    expect(membersIn(await app.sync(alice, { since: elsewhere, filter }))).toEqual([bob.userId]);
    const before = first.next_batch.replace(/~.*$/, '');
    const next = await app.sync(alice, { since: before, filter });
    expect(membersIn(next)).toEqual([bob.userId]);
    await room.message(bob.userId, 'b3');
    expect(membersIn(await app.sync(alice, { since: next.next_batch, filter }))).toEqual([]);
  });

  it('keeps to itself what removed a membership', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    await room.state('m.room.history_visibility', alice.userId, { history_visibility: 'joined' });
    await room.member(bob.userId, 'join');
    const first = await app.sync(bob);
    const left = await room.member(bob.userId, 'leave');
    // As a state resolution leaves it: another event, which bob may not see, stands for the leave.
    const cause = await room.member(alice.userId, 'join', alice.userId, { displayname: 'secret' });
    await app.database.db
      .updateTable('memberships')
      .set({ event_nid: cause.eventNid, position: cause.position })
      .where('event_nid', '=', left.eventNid)
      .execute();
    const { rooms } = await app.sync(bob, { since: first.next_batch });
    expect(JSON.stringify(rooms?.leave?.[room.roomId])).not.toContain('secret');
  });

  it('tells invites and knocks with stripped state, once', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    await room.state('m.room.name', alice.userId, { name: 'a name' });
    await room.state('m.room.power_levels', alice.userId, {});
    const { next_batch: since } = await app.sync(bob);
    await room.member(bob.userId, 'invite', alice.userId);
    await room.state('m.room.name', alice.userId, { name: 'after the invite' });
    const answer = await app.sync(bob, { since });
    const events = answer.rooms?.invite?.[room.roomId]?.invite_state.events;
    expect(namesOf(events).sort()).toEqual(
      ['m.room.create', `m.room.member/${alice.userId}`, `m.room.member/${bob.userId}`, 'm.room.name'].sort(),
    );
    expect(events?.find(({ type }) => type === 'm.room.name')).toEqual({
      type: 'm.room.name',
      state_key: '',
      sender: alice.userId,
      content: { name: 'a name' },
    });
    expect(await app.sync(bob, { since: answer.next_batch })).not.toHaveProperty('rooms');
    expect((await app.sync(bob)).rooms?.invite).toHaveProperty([room.roomId]);

    const other = await app.createRoom(alice.userId);
    await other.member(bob.userId, 'knock');
    const knock = await app.sync(bob, { since: answer.next_batch });
    expect(namesOf(knock.rooms?.knock?.[other.roomId]?.knock_state.events)).toEqual([
      'm.room.create',
      `m.room.member/${bob.userId}`,
    ]);
  });

  it('tells a leave once, up to it, and archives to those who ask', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    await room.state('m.room.history_visibility', alice.userId, { history_visibility: 'joined' });
    await room.member(bob.userId, 'join');
    const { next_batch: since } = await app.sync(bob);
    await room.state('m.room.name', alice.userId, { name: 'still there' });
    await room.member(bob.userId, 'leave');
    await room.state('m.room.topic', alice.userId, { topic: 'gone' });
    await room.message(alice.userId, 'unseen');
    const answer = await app.sync(bob, { since });
    expect(answer.rooms?.join).toBeUndefined();
    const told = answer.rooms?.leave?.[room.roomId];
    expect(namesOf(told?.timeline.events)).toEqual(['m.room.name', `m.room.member/${bob.userId}`]);
    expect(told?.state?.events).toEqual([]);
    expect(await app.sync(bob, { since: answer.next_batch })).toEqual({ next_batch: answer.next_batch });

    expect(await app.sync(bob)).not.toHaveProperty('rooms');
    const filter = { room: { include_leave: true, timeline: { limit: 1 } } };
    const archived = (await app.sync(bob, { filter })).rooms?.leave?.[room.roomId];
    expect(namesOf(archived?.timeline.events)).toEqual([`m.room.member/${bob.userId}`]);
    expect(namesOf(archived?.state?.events).sort()).toEqual(
      [
        'm.room.create',
        'm.room.history_visibility',
        `m.room.member/${alice.userId}`,
        // His join: what the leave in the timeline replaces.
        `m.room.member/${bob.userId}`,
        'm.room.name',
      ].sort(),
    );

    await new ForgottenRoomTransactor(app.database).forget(bob.userId, room.roomNid);
    expect((await app.sync(bob, { since })).rooms?.leave).toHaveProperty([room.roomId]);
    expect((await app.sync(bob, { filter })).rooms?.leave ?? {}).not.toHaveProperty([room.roomId]);
  });

  it('tells a rejected invite by its leave and nothing else of the room', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    await room.member(bob.userId, 'invite', alice.userId);
    const { next_batch: since } = await app.sync(bob);
    await room.message(alice.userId, 'unseen');
    await room.member(bob.userId, 'leave');
    const told = (await app.sync(bob, { since })).rooms?.leave?.[room.roomId];
    expect(namesOf(told?.timeline.events)).toEqual([`m.room.member/${bob.userId}`]);
    expect(told?.timeline.events[0]).toMatchObject({ unsigned: { membership: 'leave' } });
    expect(told?.state?.events).toEqual([]);
  });

  it('does not list a leave that was followed by a join, but starts the room anew', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    await room.member(bob.userId, 'join');
    const { next_batch: since } = await app.sync(bob);
    await room.member(bob.userId, 'leave');
    await room.state('m.room.name', alice.userId, { name: 'meanwhile' });
    await room.member(bob.userId, 'join');
    const answer = await app.sync(bob, { since, filter: { room: { timeline: { limit: 1 } } } });
    expect(answer.rooms?.leave).toBeUndefined();
    const told = answer.rooms?.join?.[room.roomId];
    expect(namesOf(told?.timeline.events)).toEqual([`m.room.member/${bob.userId}`]);
    expect(told?.timeline.limited).toBe(true);
    expect(namesOf(told?.state?.events)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.name']));

    await room.member(bob.userId, 'join', bob.userId, { displayname: 'Bob' });
    const renamed = await app.sync(bob, { since: answer.next_batch });
    expect(renamed.rooms?.join?.[room.roomId]?.timeline).toMatchObject({ limited: false });
    expect(renamed.rooms?.join?.[room.roomId]?.state?.events).toEqual([]);
  });

  it('brings the whole state of a room that was joined since, and on demand of all', async () => {
    await newUsers();
    const { next_batch: since } = await app.sync(bob);
    const room = await app.createRoom(alice.userId);
    for (const n of [1, 2]) await room.message(alice.userId, `m${n}`);
    await room.member(bob.userId, 'join');
    const filter = { room: { timeline: { limit: 1, types: ['m.room.message'] } } };
    const joined = await app.sync(bob, { since, filter });
    const told = joined.rooms?.join?.[room.roomId];
    expect(namesOf(told?.timeline.events)).toEqual(['m2']);
    expect(told?.timeline.limited).toBe(true);
    expect(membersOf(told?.state?.events).sort()).toEqual([alice.userId, bob.userId].sort());
    const whole = await app.sync(bob, {
      since,
      filter: { room: { timeline: { types: ['m.room.message'] } } },
    });
    expect(whole.rooms?.join?.[room.roomId]?.timeline.limited).toBe(false);

    const full = await app.sync(bob, { since: joined.next_batch, full_state: true, timeout: 60_000 });
    const again = full.rooms?.join?.[room.roomId];
    expect(again?.timeline.events).toEqual([]);
    expect(namesOf(again?.state?.events)).toContain('m.room.create');
    expect(again?.summary).toMatchObject({ 'm.joined_member_count': 2 });
  });

  it('leaves out what ignored users say, and their invites, but not their state', async () => {
    await newUsers();
    const room = await app.createRoom(alice.userId);
    await room.member(bob.userId, 'join');
    await app.request('PUT', `/user/${bob.userId}/account_data/m.ignored_user_list`, {
      token: bob.token,
      body: { ignored_users: { [alice.userId]: {} } },
    });
    const { next_batch: since } = await app.sync(bob);
    await room.message(alice.userId, 'ignored');
    expect(await app.sync(bob, { since })).not.toHaveProperty('rooms');
    await room.state('m.room.name', alice.userId, { name: 'name' });
    const invited = await app.createRoom(alice.userId);
    await invited.member(bob.userId, 'invite', alice.userId);
    const { rooms } = await app.sync(bob, { since });
    expect(namesOf(rooms?.join?.[room.roomId]?.timeline.events)).toEqual(['m.room.name']);
    expect(rooms?.invite).toBeUndefined();
  });

  it.each<[string, string, JsonObject]>([
    ['blocks', 'm.invite_permission_config', { default_action: 'block' }],
    ['blocks by a filter', 'org.matrix.msc4155.invite_permission_config', { blocked_users: ['@alice*'] }],
    ['ignores', 'org.matrix.msc4155.invite_permission_config', { ignored_servers: ['*'] }],
  ])('leaves out the invites that the user %s, old and new, until that ends', async (_, type, content) => {
    await newUsers();
    const inviting = async () => {
      const room = await app.createRoom(alice.userId);
      await room.member(bob.userId, 'invite', alice.userId);
      return room.roomId;
    };
    const wants = (body: JsonObject) =>
      app.request('PUT', `/user/${bob.userId}/account_data/${type}`, { token: bob.token, body });
    const old = await inviting();
    await wants(content);
    const { next_batch: since, rooms } = await app.sync(bob);
    expect(rooms?.invite).toBeUndefined();
    const fresh = await inviting();
    expect(await app.sync(bob, { since })).not.toHaveProperty('rooms');
    await wants({});
    expect(Object.keys((await app.sync(bob)).rooms?.invite ?? {}).sort()).toEqual([old, fresh].sort());
  });
});
