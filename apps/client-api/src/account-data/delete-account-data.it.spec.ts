import { DELETED_CONTENT } from '@atoll/database';
import type { RoomRows } from '@atoll/database/testing';
import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { oneList, type SlidingApp, startSlidingApp } from '../sliding-sync/sliding-app.spec-support.js';
import type { SyncUser } from '../sync/sync-app.spec-support.js';

const TYPE = 'org.example.note';
const WRITTEN = { type: TYPE, content: { note: 1 } };
const DELETED = { type: TYPE, content: {} };

let app: SlidingApp;
beforeAll(async () => (app = await startSlidingApp()));
afterAll(() => app.close());

let users = 0;
let alice: SyncUser;
let room: RoomRows;
beforeEach(async () => {
  alice = await app.register(`alice${users++}`);
  room = await app.createRoom(alice.userId);
});

const global = (type = TYPE) => `/user/${alice.userId}/account_data/${type}`;
const ofRoom = (type = TYPE) => `/user/${alice.userId}/rooms/${room.roomId}/account_data/${type}`;
const UNSTABLE = '/_matrix/client/unstable/org.matrix.msc3391';
const request = (method: string, path: string, body?: JsonObject) =>
  app.request(method, path, { token: alice.token, ...(body && { body }) });
const remove = (path: string) => request('DELETE', `${UNSTABLE}${path}`);
async function writeBoth(): Promise<void> {
  for (const path of [global(), ofRoom()]) await request('PUT', path, { note: 1 });
}
async function removeBoth(): Promise<void> {
  for (const path of [global(), ofRoom()])
    expect(await remove(path)).toMatchObject({ status: 200, body: {} });
}

/** The entries of the test that a sync tells, global and of the room. */
async function told(since?: string) {
  const answer = await app.sync(alice, { since });
  const ours = (events: JsonObject[] = []) => events.filter(({ type }) => type === TYPE);
  const section = answer.rooms?.join?.[room.roomId];
  return {
    next: answer.next_batch,
    events: [ours(answer.account_data?.events), ours(section?.account_data.events)],
  };
}

describe('account data that was deleted', () => {
  it('is not found any more, global or of a room, until it is written again', async () => {
    await writeBoth();
    await removeBoth();
    for (const path of [global(), ofRoom()]) {
      expect(await request('GET', path)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
      await request('PUT', path, { note: 2 });
      expect((await request('GET', path)).body).toEqual({ note: 2 });
    }
  });

  it('is told once as empty, and never to who comes later', async () => {
    await writeBoth();
    const first = await told();
    expect(first.events).toEqual([[WRITTEN], [WRITTEN]]);
    await removeBoth();
    const second = await told(first.next);
    expect(second.events).toEqual([[DELETED], [DELETED]]);
    expect((await told(second.next)).events).toEqual([[], []]);
    expect((await told()).events).toEqual([[], []]);
  });

  it('is told together with a room that is new', async () => {
    await writeBoth();
    const { next } = await told();
    await removeBoth();
    const other = await app.createRoom(alice.userId);
    await request('PUT', `/user/${alice.userId}/rooms/${other.roomId}/account_data/${TYPE}`, { note: 1 });
    const { rooms } = await app.sync(alice, { since: next });
    expect(rooms?.join?.[room.roomId]?.account_data.events).toEqual([DELETED]);
    expect(rooms?.join?.[other.roomId]?.account_data.events).toEqual([WRITTEN]);
  });

  it('wakes a sync that waits', async () => {
    await writeBoth();
    const { next } = await told();
    const waiting = app.sync(alice, { since: next, timeout: 30_000 });
    await remove(global());
    expect((await waiting).account_data?.events).toEqual([DELETED]);
  });

  it('is told by sliding sync as by the other', async () => {
    await writeBoth();
    const body = { lists: oneList(), extensions: { account_data: { enabled: true } } };
    const first = await app.slide(alice, body);
    expect(first.extensions.account_data).toEqual({
      global: expect.arrayContaining([WRITTEN]),
      rooms: { [room.roomId]: [WRITTEN] },
    });
    await removeBoth();
    const second = await app.slide(alice, { ...body, pos: first.pos });
    expect(second.extensions.account_data).toEqual({
      global: [DELETED],
      rooms: { [room.roomId]: [DELETED] },
    });
    const later = await app.slide(alice, { ...body, conn_id: 'later' });
    expect(later.extensions.account_data).toEqual({
      global: [expect.objectContaining({ type: 'm.push_rules' })],
    });
  });

  it('takes no space, and is forgotten when much else was deleted since', async () => {
    const { db } = app.database;
    const [{ newest } = { newest: 0 }] = await db
      .selectFrom('account_data')
      .select(({ fn }) => fn.max('position').as('newest'))
      .execute();
    const rows = Array.from({ length: 1_000 }, (_, n) => ({
      user_id: alice.userId,
      room_id: '' as const,
      type: `org.example.deleted${n}`,
      content: DELETED_CONTENT,
      position: newest - 1_000 + n,
    }));
    await db.insertInto('account_data').values(rows).execute();
    await request('PUT', global(), { note: 1 });
    await remove(global());
    const kept = await db
      .selectFrom('account_data')
      .select('type')
      .where('user_id', '=', alice.userId)
      .orderBy('position')
      .execute();
    expect(kept).toHaveLength(1_000);
    expect([kept.at(0)?.type, kept.at(-1)?.type]).toEqual(['org.example.deleted1', TYPE]);
  });
});

it('tells nothing of a deletion that changes nothing', async () => {
  const { next } = await told();
  await removeBoth();
  expect(await app.sync(alice, { since: next })).toEqual({ next_batch: next });
});

it('keeps what was emptied, as the specification has it', async () => {
  const { next } = await told();
  for (const path of [global(), ofRoom()]) {
    await request('PUT', path, {});
    expect(await request('GET', path)).toMatchObject({ status: 200, body: {} });
  }
  expect((await told(next)).events).toEqual([[DELETED], [DELETED]]);
  expect((await told()).events).toEqual([[DELETED], [DELETED]]);
});

it("deletes nothing of others' or of the server's own", async () => {
  expect((await remove(`/user/@somebody:hs1/account_data/${TYPE}`)).body['errcode']).toBe('M_FORBIDDEN');
  expect((await remove(`/user/@somebody:hs1/rooms/!r:hs1/account_data/${TYPE}`)).body['errcode']).toBe(
    'M_FORBIDDEN',
  );
  for (const path of [global('m.push_rules'), ofRoom('m.fully_read')])
    expect(await remove(path)).toMatchObject({ status: 405, body: { errcode: 'M_BAD_JSON' } });
});
