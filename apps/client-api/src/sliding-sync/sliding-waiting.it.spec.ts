import { commitInLanes, ReceiptTransactor, TypingTransactor } from '@atoll/database';
import type { PlacedRow, RoomRows } from '@atoll/database/testing';
import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { namesOf, type SyncUser } from '../sync/sync-app.spec-support.js';
import {
  oneList,
  type SlidingAnswer,
  type SlidingApp,
  startSlidingApp,
  UNSTABLE,
} from './sliding-app.spec-support.js';

describe('waiting and extensions of sliding sync', () => {
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
    await room.member(bob.userId, 'join');
  });

  const all = (name: string, extra: JsonObject = {}) => ({ [name]: { enabled: true, ...extra } });

  async function type(roomNid: number, until: number | undefined): Promise<void> {
    await commitInLanes(app.database.db, (trx, closing) =>
      new TypingTransactor(trx, closing).set([{ roomNid, userId: bob.userId, until }], Date.now()),
    );
  }

  async function read({ eventId, position }: PlacedRow, userId = bob.userId): Promise<void> {
    const receipt = { roomNid: room.roomNid, userId, threadId: '', eventId, eventPosition: position, ts: 1 };
    await commitInLanes(app.database.db, (trx, closing) =>
      new ReceiptTransactor(trx, closing).put([{ ...receipt, type: 'm.read' }]),
    );
  }

  const put = (user: SyncUser, path: string, body: JsonObject) =>
    app.request('PUT', `/user/${user.userId}/${path}`, { token: user.token, body });

  async function serials(): Promise<number[]> {
    const rows = await app.database.db
      .selectFrom('sliding_connections')
      .select('serial')
      .where('user_id', '=', alice.userId)
      .execute();
    return rows.map(({ serial }) => serial);
  }

  it('waits until something happens in its windows, and writes nothing meanwhile', async () => {
    const first = await app.slide(alice, { lists: oneList() });
    const waiting = app.slide(alice, { lists: oneList(), pos: first.pos, timeout: 30_000 });
    await put(alice, 'account_data/org.example.unasked', {});
    await room.message(bob.userId, 'wake up');
    const woken = await waiting;
    expect(namesOf(woken.rooms[room.roomId]?.timeline)).toEqual(['wake up']);
    expect(woken.rooms[room.roomId]).toMatchObject({ num_live: 1 });
    const expired = await app.slide(alice, { lists: oneList(), pos: woken.pos, timeout: 1 });
    expect(expired).toMatchObject({ rooms: {}, extensions: {}, lists: { all: { count: 1 } } });
    expect(await serials()).toEqual([1]);
  });

  it('answers a wait with what was widened at once', async () => {
    await room.message(bob.userId, 'older');
    const first = await app.slide(alice, { lists: oneList({ timeline_limit: 1 }) });
    const wider = await app.slide(alice, { lists: oneList(), pos: first.pos, timeout: 30_000 });
    expect(wider.rooms[room.roomId]).toMatchObject({ expanded_timeline: true });
  });

  it('stays where it is while it is only told of what it does not want', async () => {
    const other = await app.createRoom(alice.userId);
    const narrow = oneList({ filters: { tags: ['m.favourite'] } });
    const wide = await app.slide(alice, { lists: oneList() });
    const narrowed = await app.slide(alice, { lists: narrow, pos: wide.pos });
    await other.message(alice.userId, 'untold');
    const untold = await app.slide(alice, { lists: narrow, pos: narrowed.pos });
    expect(untold).toMatchObject({ rooms: {}, pos: narrowed.pos });
    const told = await app.slide(alice, { lists: oneList(), pos: untold.pos });
    expect(namesOf(told.rooms[other.roomId]?.timeline)).toEqual(['untold']);
  });

  it('tells no more to whom has logged out', async () => {
    const first = await app.slide(alice, { lists: oneList() });
    const waiting = app.ask(alice, { lists: oneList(), pos: first.pos, timeout: 30_000 });
    await app.request('POST', '/logout', { token: alice.token, body: {} });
    await room.message(bob.userId, 'secret');
    expect((await waiting).status).toBe(401);
    expect(await serials()).toEqual([]);
  });

  it('tells account data, global and of the rooms that it shows', async () => {
    const other = await app.createRoom(alice.userId);
    await put(alice, 'account_data/org.example.global', { a: 1 });
    await put(alice, `rooms/${room.roomId}/account_data/org.example.room`, { b: 1 });
    await put(alice, `rooms/${other.roomId}/account_data/org.example.room`, { c: 1 });
    const body = { lists: oneList({ range: [0, 0] }), extensions: all('account_data') };
    const first = await app.slide(alice, body);
    expect(first.extensions.account_data).toEqual({
      global: expect.arrayContaining([{ type: 'org.example.global', content: { a: 1 } }]),
      rooms: { [other.roomId]: [{ type: 'org.example.room', content: { c: 1 } }] },
    });
    const waiting = app.slide(alice, { ...body, pos: first.pos, timeout: 30_000 });
    await put(alice, `rooms/${other.roomId}/account_data/org.example.room`, { c: 2 });
    const second = await waiting;
    expect(second.extensions.account_data).toEqual({
      rooms: { [other.roomId]: [{ type: 'org.example.room', content: { c: 2 } }] },
    });
    const wide = await app.slide(alice, { ...body, lists: oneList(), pos: second.pos });
    expect(wide.extensions.account_data).toEqual({
      rooms: { [room.roomId]: [{ type: 'org.example.room', content: { b: 1 } }] },
    });
    // Changed while no window shows it.
    const narrow = await app.slide(alice, { ...body, pos: wide.pos });
    await put(alice, `rooms/${room.roomId}/account_data/org.example.room`, { b: 2 });
    await other.message(alice.userId, 'told, so that what is behind is written down');
    const behind = await app.slide(alice, { ...body, pos: narrow.pos });
    expect(behind.extensions).toEqual({});
    const again = await app.slide(alice, { ...body, lists: oneList(), pos: behind.pos });
    expect(again.extensions.account_data?.rooms).toEqual({
      [room.roomId]: [{ type: 'org.example.room', content: { b: 2 } }],
    });
  });

  it('tells everything to a client that asks for an extension later', async () => {
    await put(alice, 'account_data/org.example.global', { a: 1 });
    await put(alice, `rooms/${room.roomId}/account_data/org.example.room`, { b: 1 });
    const first = await app.slide(alice, { lists: oneList() });
    expect(first.extensions).toEqual({});
    const second = await app.slide(alice, {
      lists: oneList(),
      extensions: all('account_data'),
      pos: first.pos,
      timeout: 30_000,
    });
    expect(second.extensions.account_data).toMatchObject({ rooms: { [room.roomId]: [expect.anything()] } });
    expect(second.rooms).toEqual({});
    const scoped = await app.slide(alice, {
      lists: oneList(),
      extensions: all('account_data', { lists: ['other'] }),
      conn_id: 'scoped',
    });
    expect(scoped.extensions.account_data).not.toHaveProperty('rooms');
  });

  it('tells receipts: at first those of what it shows and the own, later all', async () => {
    const old = await room.message(bob.userId, 'old');
    const shown = await room.message(bob.userId, 'shown');
    const carol = await app.register(`carol${users}`);
    await read(old);
    await read(shown, carol.userId);
    await read(old, alice.userId);
    const body = { lists: oneList({ timeline_limit: 1 }), extensions: all('receipts') };
    const first = await app.slide(alice, body);
    const own = { 'm.read': { [alice.userId]: { ts: 1 } } };
    expect(first.extensions.receipts?.rooms).toEqual({
      [room.roomId]: {
        type: 'm.receipt',
        content: { [old.eventId]: own, [shown.eventId]: { 'm.read': { [carol.userId]: { ts: 1 } } } },
      },
    });
    const waiting = app.slide(alice, { ...body, pos: first.pos, timeout: 30_000 });
    await read(shown);
    expect((await waiting).extensions.receipts?.rooms?.[room.roomId]).toMatchObject({
      content: { [shown.eventId]: { 'm.read': { [bob.userId]: { ts: 1 } } } },
    });
  });

  it('tells of receipts at what a room shows, when they are asked for in a room that is known', async () => {
    const [old, shown, newest] = [
      await room.message(bob.userId, 'old'),
      await room.message(bob.userId, 'shown'),
      await room.message(bob.userId, 'newest'),
    ];
    const carol = await app.register(`carol${users}`);
    const dave = await app.register(`dave${users}`);
    await read(old);
    await read(shown, carol.userId);
    await read(newest, dave.userId);
    await read(old, alice.userId);
    const at = (user: SyncUser) => ({ 'm.read': { [user.userId]: { ts: 1 } } });
    const lists = oneList({ timeline_limit: 2 });
    const content = { [old.eventId]: at(alice), [shown.eventId]: at(carol), [newest.eventId]: at(dave) };
    const first = await app.slide(alice, { lists });
    const same = await app.slide(alice, { lists, extensions: all('receipts'), pos: first.pos });
    expect(same.extensions.receipts?.rooms?.[room.roomId]).toEqual({ type: 'm.receipt', content });
    const opened = await app.slide(alice, {
      lists,
      room_subscriptions: { [room.roomId]: { timeline_limit: 3, required_state: {} } },
      extensions: all('receipts'),
      pos: first.pos,
    });
    expect(opened.rooms[room.roomId]).toMatchObject({ expanded_timeline: true });
    const more = { [old.eventId]: { 'm.read': { ...at(alice)['m.read'], ...at(bob)['m.read'] } } };
    expect(opened.extensions.receipts?.rooms?.[room.roomId]).toEqual({
      type: 'm.receipt',
      content: { ...content, ...more },
    });
  });

  it('tells older clients what is unread when they read, in its windows or back in them', async () => {
    const list = (ranges: JsonObject[string]) => ({
      all: { ranges, timeline_limit: 1, required_state: [] },
    });
    const ask = async (lists: JsonObject, pos?: string, timeout = 0) => {
      const path = pos === undefined ? UNSTABLE : `${UNSTABLE}?pos=${pos}&timeout=${timeout}`;
      const { body } = await app.ask(alice, { lists }, path);
      return body as unknown as SlidingAnswer;
    };
    const count = (answer: SlidingAnswer) =>
      (answer.rooms[room.roomId] as JsonObject | undefined)?.['notification_count'];
    await room.message(bob.userId, 'one');
    const two = await room.message(bob.userId, 'two');
    const whole = list([[0, 9]]);
    const first = await ask(whole);
    expect(count(first)).toBe(2);
    const waiting = ask(whole, first.pos, 30_000);
    await read({ ...two, position: two.position - 1 }, alice.userId);
    const second = await waiting;
    expect(count(second)).toBe(1);
    expect(await ask(whole, second.pos)).toMatchObject({ rooms: {} });

    // Read while another room takes its place in the window.
    const other = await app.createRoom(bob.userId);
    await other.member(alice.userId, 'join');
    const narrow = list([[0, 0]]);
    const away = await ask(narrow, second.pos);
    await read(two, alice.userId);
    await other.message(bob.userId, 'news');
    const later = await ask(narrow, away.pos);
    expect(Object.keys(later.rooms)).toEqual([other.roomId]);
    const back = await ask(whole, later.pos);
    expect(count(back)).toBe(0);
    expect(Object.keys(back.rooms)).toEqual([room.roomId]);
    expect(await ask(whole, back.pos)).toMatchObject({ rooms: {} });
  });

  it('tells who types, and does not wake who did not ask', async () => {
    const body = { lists: oneList(), extensions: all('typing') };
    const first = await app.slide(alice, body);
    expect(first.extensions).toEqual({});
    const waiting = app.slide(alice, { ...body, pos: first.pos, timeout: 30_000 });
    await type(room.roomNid, Date.now() + 60_000);
    const typing = { [room.roomId]: { type: 'm.typing', content: { user_ids: [bob.userId] } } };
    const second = await waiting;
    expect(second.extensions).toEqual({ typing: { rooms: typing } });
    expect((await app.slide(alice, { ...body, conn_id: 'new' })).extensions.typing?.rooms).toEqual(typing);
    expect((await app.slide(alice, { lists: oneList(), pos: second.pos })).extensions).toEqual({});
    await type(room.roomNid, undefined);
  });

  it('tells a direct message as such when it becomes one', async () => {
    const first = await app.slide(alice, { lists: oneList() });
    expect(first.rooms[room.roomId]).not.toHaveProperty('is_dm');
    const waiting = app.slide(alice, { lists: oneList(), pos: first.pos, timeout: 30_000 });
    await put(alice, 'account_data/m.direct', { [bob.userId]: [room.roomId] });
    const second = await waiting;
    expect(second.rooms[room.roomId]).toMatchObject({ is_dm: true });
    await put(alice, 'account_data/m.direct', {});
    const third = await app.slide(alice, { lists: oneList(), pos: second.pos });
    expect(third.rooms[room.roomId]).toMatchObject({ is_dm: false });
  });

  it('keeps the ten connections of a device that were used last', async () => {
    const first = await app.slide(alice, { conn_id: 'c0', lists: oneList() });
    for (let i = 1; i <= 10; i++) await app.slide(alice, { conn_id: `c${i}`, lists: oneList() });
    expect(await serials()).toHaveLength(10);
    const gone = await app.ask(alice, { conn_id: 'c0', lists: oneList(), pos: first.pos });
    expect(gone).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN_POS' } });
  });

  it('forgets connections that were not used for a month', async () => {
    const { pos } = await app.slide(alice, { lists: oneList() });
    const age = async (days: number) => {
      const used_ts = Date.now() - days * 86_400_000;
      await app.database.db.updateTable('sliding_connections').set({ used_ts }).execute();
    };
    await age(29);
    const kept = await app.slide(alice, { lists: oneList(), pos });
    await age(31);
    const gone = await app.ask(alice, { lists: oneList(), pos: kept.pos });
    expect(gone).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN_POS' } });
    await app.slide(bob, { lists: oneList() });
    expect(await serials()).toEqual([]);
  });
});
