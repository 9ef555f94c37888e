import type { EventRow, PlacedRow, RoomRows } from '@atoll/database/testing';
import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RunningClientApi, startClientApi } from '../client-api.module.js';
import { type SlidingApp, startSlidingApp } from '../sliding-sync/sliding-app.spec-support.js';
import type { SyncUser } from '../sync/sync-app.spec-support.js';
import { type Answer, type TestUser, textOf } from '../test-client-api.spec-support.js';

const PREFIX = '/_matrix/client/unstable';
const EXTENSION = 'io.element.msc4308.thread_subscriptions';
const NOT_IN_THREAD = { status: 400, body: { errcode: 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD' } };
const CONFLICT = { status: 409, body: { errcode: 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION' } };
const NOT_FOUND = { status: 404, body: { errcode: 'M_NOT_FOUND' } };
const DONE = { status: 200, body: {} };

let app: SlidingApp;
let other: RunningClientApi;
let alice: SyncUser;
let bob: SyncUser;
let room: RoomRows;
let root: PlacedRow;
let number = 0;
beforeAll(async () => {
  app = await startSlidingApp();
  other = await startClientApi({ ...app.config, instanceId: 'other' });
});
afterAll(async () => {
  await other.close();
  await app.close();
});
beforeEach(async () => {
  number += 1;
  alice = await app.register(`alice${number}`);
  bob = await app.register(`bob${number}`);
  room = await app.createRoom(bob.userId);
  await room.member(alice.userId, 'join');
  root = await room.message(bob.userId, 'root');
});

const subscription = (method: string, { token }: TestUser, thread = root, body?: JsonObject) =>
  app.request(
    method,
    `${PREFIX}/io.element.msc4306/rooms/${room.roomId}/thread/${encodeURIComponent(thread.eventId)}/subscription`,
    { token, ...(body && { body }) },
  );
const subscribe = (user: TestUser, thread = root) => subscription('PUT', user, thread, {});
const subscribeFor = (user: TestUser, cause: PlacedRow) =>
  subscription('PUT', user, root, { automatic: cause.eventId });
const unsubscribe = (user: TestUser, thread = root) => subscription('DELETE', user, thread);
const get = (user: TestUser) => subscription('GET', user);
const reply = (to = root, relType = 'm.thread', more: Partial<EventRow> = {}) =>
  room.event({
    type: 'm.room.message',
    sender: bob.userId,
    ...more,
    content: { body: 'reply', 'm.relates_to': { rel_type: relType, event_id: to.eventId } },
  });

describe('a subscription', () => {
  it('is there until the user unsubscribes, which may be said twice', async () => {
    expect(await get(alice)).toMatchObject(NOT_FOUND);
    expect(await unsubscribe(alice)).toMatchObject(DONE);
    // Also without a body.
    expect(await subscription('PUT', alice)).toMatchObject(DONE);
    expect(await get(alice)).toMatchObject({ status: 200, body: { automatic: false } });
    expect(await get(bob)).toMatchObject(NOT_FOUND);
    for (let i = 0; i < 2; i += 1) expect(await unsubscribe(alice)).toMatchObject(DONE);
    expect(await get(alice)).toMatchObject(NOT_FOUND);
    expect(await subscribe(alice)).toMatchObject(DONE);
    expect((await get(alice)).body).toEqual({ automatic: false });
  });

  it('that a client makes gives way to one of the user, never the other way round', async () => {
    const cause = await reply();
    expect(await subscribeFor(alice, cause)).toMatchObject(DONE);
    expect((await get(alice)).body).toEqual({ automatic: true });
    await subscribe(alice);
    expect((await get(alice)).body).toEqual({ automatic: false });
    expect(await subscribeFor(alice, await reply())).toMatchObject(DONE);
    expect((await get(alice)).body).toEqual({ automatic: false });
  });

  it('is not made again for what was there when the user unsubscribed, but for what comes later', async () => {
    const cause = await reply();
    await subscribeFor(alice, cause);
    const seen = await reply();
    await unsubscribe(alice);
    for (const event of [cause, seen]) expect(await subscribeFor(alice, event)).toMatchObject(CONFLICT);
    expect(await get(alice)).toMatchObject(NOT_FOUND);
    expect(await subscribeFor(alice, await reply())).toMatchObject(DONE);
    expect((await get(alice)).body).toEqual({ automatic: true });
    // The user may at any time.
    await unsubscribe(alice);
    expect(await subscribe(alice)).toMatchObject(DONE);
    expect(await subscribeFor(alice, cause)).toMatchObject(DONE);
  });

  it('is not made for what was there when the user unsubscribed, subscribed or not', async () => {
    const cause = await reply();
    await unsubscribe(alice);
    expect(await subscribeFor(alice, cause)).toMatchObject(CONFLICT);
    const later = await reply();
    await unsubscribe(alice);
    for (const event of [cause, later]) expect(await subscribeFor(alice, event)).toMatchObject(CONFLICT);
    expect(await get(alice)).toMatchObject(NOT_FOUND);
    expect(await subscribeFor(alice, await reply())).toMatchObject(DONE);
    expect(await get(alice)).toMatchObject({ status: 200 });
  });

  it('is made for what was backfilled after the user unsubscribed, not for what was before', async () => {
    const backfill = () => reply(root, 'm.thread', { backfilled: true, fork: { basePosition: 0 } });
    const before = await backfill();
    await subscribe(alice);
    await unsubscribe(alice);
    const after = await backfill();
    expect(await subscribeFor(alice, before)).toMatchObject(CONFLICT);
    expect(await subscribeFor(alice, after)).toMatchObject(DONE);
    await unsubscribe(alice);
    expect(await subscribeFor(alice, after)).toMatchObject(CONFLICT);
  });

  it('is refused when there are too many, ended ones too; to unsubscribe never is', async () => {
    await unsubscribe(alice);
    await app.database.pool.query(
      `INSERT INTO thread_subscriptions (room_nid, root_event_id, user_id, automatic, position)
       SELECT 0, '$' || n, $1, false, 0 FROM generate_series(2, 20000) AS n`,
      [alice.userId],
    );
    const another = await room.message(bob.userId, 'another root');
    expect(await unsubscribe(alice, another)).toMatchObject(DONE);
    const errcode = 'M_RESOURCE_LIMIT_EXCEEDED';
    expect(await subscribe(alice, another)).toMatchObject({ status: 403, body: { errcode } });
    expect(await subscribe(alice)).toMatchObject(DONE);
  });

  it('is made by a client only for an event of the thread', async () => {
    const elsewhere = await app.createRoom(bob.userId);
    const edit = await reply(await reply(), 'm.replace');
    const ofOther = await reply(await room.message(bob.userId, 'another root'));
    const outside = await elsewhere.event({
      type: 'm.room.message',
      sender: bob.userId,
      content: { 'm.relates_to': { rel_type: 'm.thread', event_id: root.eventId } },
    });
    const unknown = { ...root, eventId: '$unknown' } as PlacedRow;
    for (const cause of [root, ofOther, outside, unknown]) {
      expect(await subscribeFor(alice, cause)).toMatchObject(NOT_IN_THREAD);
    }
    expect(await subscribeFor(alice, edit)).toMatchObject(DONE);
    for (const automatic of ['no event id', false, null]) {
      const { status } = await subscription('PUT', alice, root, { automatic });
      expect(status).toBe(400);
    }
  });

  it('is for those who may see the root, in its room', async () => {
    const carol = await app.register(`carol${number}`);
    await subscribe(alice);
    const hidden = await app.createRoom(bob.userId);
    const secret = await hidden.message(bob.userId, 'secret');
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect(await subscription(method, carol)).toMatchObject(NOT_FOUND);
      for (const thread of [secret, { ...root, eventId: '$unknown' } as PlacedRow]) {
        expect(await subscription(method, bob, thread)).toMatchObject(NOT_FOUND);
      }
      expect((await subscription(method, { ...carol, token: 'wrong' })).status).toBe(401);
    }
    await room.event({
      type: 'm.room.member',
      stateKey: carol.userId,
      sender: carol.userId,
      content: { membership: 'join' },
    });
    expect(await subscribe(carol)).toMatchObject(DONE);
  });
});

describe('sliding sync and its paging endpoint', () => {
  const body = (limit?: number) => ({
    extensions: { [EXTENSION]: { enabled: true, ...(limit !== undefined && { limit }) } },
  });
  const slide = async (user: TestUser, request: Parameters<SlidingApp['slide']>[1]) => {
    const { pos, extensions } = await app.slide(user, request);
    return { pos, told: (extensions as Record<string, JsonObject | undefined>)[EXTENSION] };
  };
  const page = (parameters: Record<string, string>, { token } = alice): Promise<Answer> =>
    app.request(
      'GET',
      `${PREFIX}/io.element.msc4308/thread_subscriptions?${new URLSearchParams(parameters).toString()}`,
      { token },
    );
  const threads = (told: JsonObject | undefined, kind = 'subscribed') =>
    Object.keys((told?.[kind] as Record<string, JsonObject> | undefined)?.[room.roomId] ?? {});
  const subscribeToNew = async () => {
    const thread = await room.message(bob.userId, 'another root');
    await subscribe(alice, thread);
    return thread.eventId;
  };

  it('tell what changed, to a request that waits at another instance and to other devices', async () => {
    await subscribe(alice);
    const first = await slide(alice, body());
    expect(first.told).toEqual({
      subscribed: { [room.roomId]: { [root.eventId]: { automatic: false, bump_stamp: expect.any(Number) } } },
    });
    const waiting = fetch(`http://127.0.0.1:${other.port}/_matrix/client/v4/sync`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.token}` },
      body: JSON.stringify({ ...body(), pos: first.pos, timeout: 30_000 }),
    });
    await subscribe(bob);
    await unsubscribe(alice);
    const told = ((await (await waiting).json()) as { extensions: Record<string, JsonObject> }).extensions;
    const ended = { unsubscribed: { [room.roomId]: { [root.eventId]: { bump_stamp: expect.any(Number) } } } };
    expect(told).toEqual({ [EXTENSION]: ended });
    // The older `pos` once more, and another device, which did not see it begin.
    expect((await slide(alice, { ...body(), pos: first.pos })).told).toEqual(ended);
    const phone = await app.logIn(alice.userId);
    expect((await slide(phone, body())).told).toEqual(ended);
  });

  it('tell nothing to whom does not ask, and everything to who asks later', async () => {
    const first = await slide(alice, {});
    await subscribe(alice);
    const second = await slide(alice, { pos: first.pos });
    expect(second.told).toBeUndefined();
    const third = await slide(alice, { ...body(), pos: second.pos, timeout: 30_000 });
    expect(threads(third.told)).toEqual([root.eventId]);
    expect((await slide(alice, { ...body(), pos: third.pos })).told).toBeUndefined();
    // As it was before the stream was there.
    const old = third.pos.replace(/^(s1(?:_[^_~]+){5})_[^~]*/, '$1');
    expect(old).not.toBe(third.pos);
    expect(threads((await slide(alice, { ...body(), pos: old })).told)).toEqual([root.eventId]);
    const disabled = { extensions: { [EXTENSION]: { enabled: false } } };
    expect((await slide(alice, disabled)).told).toBeUndefined();
  });

  it('tell nothing of unsubscribing from what one is not subscribed to', async () => {
    const first = await slide(alice, body());
    await unsubscribe(alice);
    expect((await slide(alice, { ...body(), pos: first.pos })).told).toBeUndefined();
    expect((await page({ dir: 'b' })).body).toEqual({});
    await subscribe(alice);
    await unsubscribe(alice);
    const second = await slide(alice, { ...body(), pos: first.pos });
    expect(threads(second.told, 'unsubscribed')).toEqual([root.eventId]);
    await unsubscribe(alice);
    expect((await slide(alice, { ...body(), pos: second.pos })).told).toBeUndefined();
  });

  it('give the newest first, the rest page by page, up to what was told before', async () => {
    const old = await subscribeToNew();
    const { pos } = await slide(alice, body());
    const [a, b, c, d] = [
      await subscribeToNew(),
      await subscribeToNew(),
      await subscribeToNew(),
      await subscribeToNew(),
    ];
    const { told } = await slide(alice, { ...body(1), pos });
    expect(threads(told)).toEqual([d]);
    const from = textOf(told?.['prev_batch']);
    const second = await page({ dir: 'b', from, to: pos, limit: '2' });
    expect(threads(second.body).toSorted()).toEqual([b, c].toSorted());
    const third = await page({ dir: 'b', from: textOf(second.body['end']), to: pos, limit: '2' });
    expect([threads(third.body), third.body['end']]).toEqual([[a], undefined]);
    const all = await page({ dir: 'b' });
    expect(threads(all.body).toSorted()).toEqual([old, a, b, c, d].toSorted());
    expect((await page({ dir: 'b' }, bob)).body).toEqual({});
  });

  it('give what an older connection was never told as well', async () => {
    const [old, recent] = [await subscribeToNew(), await subscribeToNew()];
    const { pos } = await slide(alice, {});
    const { told } = await slide(alice, { ...body(1), pos });
    expect(threads(told)).toEqual([recent]);
    const rest = await page({ dir: 'b', from: textOf(told?.['prev_batch']), to: pos });
    expect(threads(rest.body)).toEqual([old]);
  });

  it.each<[Record<string, string>, string]>([
    [{}, 'M_MISSING_PARAM'],
    [{ dir: 'f' }, 'M_INVALID_PARAM'],
    [{ dir: 'b', limit: '0' }, 'M_INVALID_PARAM'],
    [{ dir: 'b', limit: 'x' }, 'M_INVALID_PARAM'],
    [{ dir: 'b', from: 'x' }, 'M_INVALID_PARAM'],
    [{ dir: 'b', from: 't1_zzzzzzzzzzz' }, 'M_INVALID_PARAM'],
    [{ dir: 'b', to: 'x' }, 'M_INVALID_PARAM'],
  ])('refuse %j', async (parameters, errcode) => {
    expect(await page(parameters)).toMatchObject({ status: 400, body: { errcode } });
  });

  it.each([0, -1, 1.5, '1'])('refuse a limit of %j', async (limit) => {
    const request = { extensions: { [EXTENSION]: { enabled: true, limit } } };
    expect((await app.ask(alice, request)).status).toBe(400);
  });
});
