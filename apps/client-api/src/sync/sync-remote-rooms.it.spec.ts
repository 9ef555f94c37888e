import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RoomRows } from '@atoll/database/testing';
import type { EventId, JsonObject, RoomId, UserId } from '@atoll/matrix';
import { namesOf, startSyncApp, type SyncApp, type SyncUser } from './sync-app.spec-support.js';

const DAN = '@dan:hs2' as UserId;
const EVE = '@eve:hs2' as UserId;
const stripped = (type: string, content: JsonObject) => ({ type, state_key: '', sender: DAN, content });

let app: SyncApp;
let alice: SyncUser;
let room: RoomRows;
let count = 0;

beforeAll(async () => {
  app = await startSyncApp();
});
beforeEach(async () => {
  alice = await app.register(`alice${count}`);
  room = await RoomRows.create(app.database, { roomId: `!far${count++}:hs2` as RoomId });
});
afterAll(() => app.close());

const seed = (type: string, stateKey: string, content: JsonObject, sender = DAN) =>
  room.event({ type, sender, stateKey, content, seeded: true });
/** What a join by way of another server writes. */
async function joinByWayOf(): Promise<void> {
  await seed('m.room.create', '', {});
  await seed('m.room.member', DAN, { membership: 'join' });
  await seed('m.room.member', EVE, { membership: 'join' }, EVE);
  await seed('m.room.history_visibility', '', { history_visibility: 'shared' });
  await room.member(alice.userId, 'join');
  await room.missHistory();
}

describe('invites to rooms that this server is not in', () => {
  it('come with what the inviting server said, pruned', async () => {
    const { next_batch: since } = await app.sync(alice);
    const invite = await room.member(alice.userId, 'invite', DAN);
    await room.strippedState(invite, [
      {
        ...stripped('m.room.create', { room_version: '12' }),
        hashes: {},
        signatures: {},
        origin_server_ts: 1,
      },
      stripped('m.room.name', { name: 'there' }),
      'nonsense',
    ]);
    const expected = [
      stripped('m.room.create', { room_version: '12' }),
      stripped('m.room.name', { name: 'there' }),
      { type: 'm.room.member', state_key: alice.userId, sender: DAN, content: { membership: 'invite' } },
    ];
    for (const answer of [await app.sync(alice, { since }), await app.sync(alice)]) {
      expect(answer.rooms).toEqual({ invite: { [room.roomId]: { invite_state: { events: expected } } } });
    }
  });

  it('show their own state, not that of an earlier stay or invite', async () => {
    await joinByWayOf();
    await seed('m.room.name', '', { name: 'then' });
    await room.member(alice.userId, 'leave');
    const first = await room.member(alice.userId, 'invite', DAN);
    await room.strippedState(first, [stripped('m.room.name', { name: 'first' })]);
    await room.member(alice.userId, 'leave');
    const { next_batch: since } = await app.sync(alice);
    const second = await room.member(alice.userId, 'invite', EVE);
    await room.strippedState(second, [stripped('m.room.name', { name: 'second' })]);
    const told = (await app.sync(alice, { since })).rooms?.invite?.[room.roomId]?.invite_state.events;
    expect(told?.map(({ content }) => content)).toEqual([{ name: 'second' }, { membership: 'invite' }]);
  });

  it('are gone when they are rejected or taken back', async () => {
    await room.strippedState(await room.member(alice.userId, 'invite', DAN), []);
    const { next_batch: since } = await app.sync(alice);
    await room.member(alice.userId, 'leave');
    const rejected = await app.sync(alice, { since });
    expect(Object.keys(rejected.rooms ?? {})).toEqual(['leave']);
    expect(namesOf(rejected.rooms?.leave?.[room.roomId]?.timeline.events)).toEqual([
      `m.room.member/${alice.userId}`,
    ]);

    await room.strippedState(await room.member(alice.userId, 'invite', DAN), []);
    const invited = await app.sync(alice, { since: rejected.next_batch });
    expect(Object.keys(invited.rooms ?? {})).toEqual(['invite']);
    await room.member(alice.userId, 'leave', DAN);
    const rescinded = await app.sync(alice, { since: invited.next_batch });
    expect(Object.keys(rescinded.rooms ?? {})).toEqual(['leave']);
    expect(rescinded.rooms?.leave?.[room.roomId]?.timeline.events).toMatchObject([
      { sender: DAN, content: { membership: 'leave' } },
    ]);
    expect((await app.sync(alice)).rooms).toBeUndefined();
  });

  it('become the whole room when they are accepted', async () => {
    await room.strippedState(await room.member(alice.userId, 'invite', DAN), []);
    const { next_batch: since } = await app.sync(alice);
    await joinByWayOf();
    const { rooms } = await app.sync(alice, { since });
    expect(Object.keys(rooms ?? {})).toEqual(['join']);
    const told = rooms?.join?.[room.roomId];
    expect(namesOf(told?.timeline.events)).toContain(`m.room.member/${alice.userId}`);
    expect(namesOf(told?.state?.events)).toEqual(expect.arrayContaining(['m.room.create']));
    expect(told?.timeline.limited).toBe(true);
  });
});

describe('knocks on rooms that this server is not in', () => {
  it('come with what the other server said', async () => {
    const knock = await room.member(alice.userId, 'knock');
    await room.strippedState(knock, [stripped('m.room.name', { name: 'there' })]);
    const told = (await app.sync(alice)).rooms?.knock?.[room.roomId]?.knock_state.events;
    expect(told).toEqual([
      stripped('m.room.name', { name: 'there' }),
      {
        type: 'm.room.member',
        state_key: alice.userId,
        sender: alice.userId,
        content: { membership: 'knock' },
      },
    ]);
  });
});

describe('a room joined by way of another server', () => {
  it('comes with all its state, and a timeline behind which there is more', async () => {
    const { next_batch: since } = await app.sync(alice);
    await joinByWayOf();
    await room.message(DAN, 'hello');
    for (const answer of [await app.sync(alice, { since }), await app.sync(alice)]) {
      const told = answer.rooms?.join?.[room.roomId];
      expect(namesOf(told?.state?.events).sort()).toEqual([
        'm.room.create',
        'm.room.history_visibility',
        `m.room.member/${DAN}`,
        `m.room.member/${EVE}`,
      ]);
      expect(namesOf(told?.timeline.events)).toEqual([`m.room.member/${alice.userId}`, 'hello']);
      expect(told?.timeline).toMatchObject({ limited: true, prev_batch: expect.any(String) });
      expect(told?.summary).toMatchObject({ 'm.heroes': [DAN, EVE], 'm.joined_member_count': 3 });
    }
    const back = await app.request(
      'GET',
      `/rooms/${encodeURIComponent(room.roomId)}/messages?dir=f&limit=1&from=${
        (await app.sync(alice)).rooms?.join?.[room.roomId]?.timeline.prev_batch ?? ''
      }`,
      { token: alice.token },
    );
    expect(namesOf(back.body['chunk'] as JsonObject[])).toEqual([`m.room.member/${alice.userId}`]);
  });

  it('is not limited any more once only news are told, and backfill is no news', async () => {
    await joinByWayOf();
    const { next_batch: since } = await app.sync(alice);
    await room.event({
      type: 'm.room.message',
      sender: DAN,
      content: { body: 'old' },
      backfilled: true,
      fork: { basePosition: 0 },
    });
    expect(await app.sync(alice, { since })).toEqual({ next_batch: since });
    await room.message(DAN, 'new');
    const news = (await app.sync(alice, { since })).rooms?.join?.[room.roomId];
    expect(namesOf(news?.timeline.events)).toEqual(['new']);
    expect(news?.timeline.limited).toBe(false);
    await app.database.db.deleteFrom('backward_extremities').where('room_nid', '=', room.roomNid).execute();
    expect((await app.sync(alice)).rooms?.join?.[room.roomId]?.timeline.limited).toBe(true);
  });

  it('has no timeline over what was missed, also when that has come as history', async () => {
    await joinByWayOf();
    await room.message(DAN, 'before');
    const { next_batch: since } = await app.sync(alice);
    await room.message(EVE, 'still before');
    const missed = await room.event({
      type: 'm.room.message',
      sender: DAN,
      content: { body: 'missed' },
      backfilled: true,
      fork: { basePosition: 0 },
    });
    await room.missHistory('$gone' as EventId);
    const follows = async (body: string, prev_events: EventId[]) =>
      room.event({ type: 'm.room.message', sender: DAN, content: { body }, pdu: { prev_events } });
    const timelineOf = async (from?: string) =>
      (await app.sync(alice, from === undefined ? {} : { since: from })).rooms?.join?.[room.roomId]?.timeline;
    for (const prev of [missed.eventId, '$gone' as EventId]) {
      await follows('after', [prev]);
      await room.message(EVE, 'later');
      for (const from of [since, undefined]) {
        const timeline = await timelineOf(from);
        expect([namesOf(timeline?.events), timeline?.limited]).toEqual([['after', 'later'], true]);
      }
    }
    const filter = { room: { timeline: { types: ['m.none'] } } };
    const hidden = (await app.sync(alice, { since, filter })).rooms?.join?.[room.roomId]?.timeline;
    expect([hidden?.events, hidden?.limited]).toEqual([[], true]);
  });

  it('names the members whom lazy loading wants', async () => {
    await joinByWayOf();
    await room.message(DAN, 'hello');
    const filter = { room: { state: { lazy_load_members: true } } };
    const told = (await app.sync(alice, { filter })).rooms?.join?.[room.roomId];
    expect(namesOf(told?.state?.events)).toEqual(
      expect.arrayContaining([`m.room.member/${DAN}`, `m.room.member/${EVE}`, 'm.room.create']),
    );
  });
});
