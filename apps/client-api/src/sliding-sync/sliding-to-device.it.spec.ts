import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@atoll/matrix';
import type { SyncUser } from '../sync/sync-app.spec-support.js';
import { textOf } from '../test-client-api.spec-support.js';
import { type SlidingApp, startSlidingApp } from './sliding-app.spec-support.js';

describe('the to_device extension', () => {
  let app: SlidingApp;
  let alice: SyncUser;
  let bob: SyncUser;
  let sent = 0;
  beforeAll(async () => {
    app = await startSlidingApp();
    alice = await app.register('alice');
  });
  afterAll(() => app.close());

  const send = async (n: number) => {
    const body = { messages: { [bob.userId]: { '*': { n } } } };
    const path = `/sendToDevice/m.test/${(sent += 1)}`;
    expect(await app.request('PUT', path, { token: alice.token, body })).toMatchObject({ status: 200 });
  };
  const asking = (since?: string, more: JsonObject = {}): { extensions: JsonObject } => ({
    extensions: {
      to_device: { enabled: true, ...(since !== undefined && { since }), ...more },
    },
  });
  const told = async (request: Parameters<SlidingApp['slide']>[1]) => {
    const { pos, extensions } = await app.slide(bob, request);
    const { next_batch, events } = extensions.to_device as { next_batch: string; events: JsonObject[] };
    return { pos, next: next_batch, numbers: events.map(({ content }) => (content as JsonObject)['n']) };
  };
  const waitingForBob = async () =>
    (
      await app.database.db
        .selectFrom('to_device')
        .select('position')
        .where('user_id', '=', bob.userId)
        .execute()
    ).length;

  it('tells messages until its own token comes back, on whatever connection', async () => {
    bob = await app.register('bob');
    for (const n of [1, 2, 3]) await send(n);
    const first = await told(asking(undefined, { limit: 2 }));
    expect(first.numbers).toEqual([1, 2]);
    // The next answer of the connection alone acknowledges nothing.
    expect((await told({ pos: first.pos, ...asking(undefined, { limit: 2 }) })).numbers).toEqual([1, 2]);
    expect(await waitingForBob()).toBe(3);
    // A new connection goes on from the token.
    const second = await told(asking(first.next));
    expect(second.numbers).toEqual([3]);
    expect(await waitingForBob()).toBe(1);
    const third = await told({ pos: second.pos, ...asking(second.next) });
    expect(third.numbers).toEqual([]);
    expect(third.next).toBe(second.next);
    expect(await waitingForBob()).toBe(0);
    // Nothing is in the table now: the token does not go back.
    await send(4);
    expect((await told(asking(third.next))).numbers).toEqual([4]);
    expect((await told(asking('0'))).numbers).toEqual([4]);
  });

  it('wakes for a message, and without the extension nothing does', async () => {
    bob = await app.register('carol');
    const { pos, next } = await told(asking());
    const waiting = told({ pos, timeout: 30_000, ...asking(next) });
    await send(1);
    const answer = await waiting;
    expect(answer.numbers).toEqual([1]);
    const other = await app.slide(bob, { conn_id: 'other' });
    const deaf = app.slide(bob, { conn_id: 'other', pos: other.pos, timeout: 600 });
    const began = performance.now();
    await send(2);
    expect((await deaf).extensions).toEqual({});
    expect(performance.now() - began).toBeGreaterThan(300);
    expect((await told(asking(answer.next))).numbers).toEqual([2]);
  });

  it.each(['1', 'd1_', 'd2_1', 's1_1', 'd1_-1'])('refuses %s, which is no token', async (since) => {
    bob = await app.register(`u${since.length}${(sent += 1)}`);
    const { status, body } = await app.ask(bob, asking(since));
    expect(`${status} ${textOf(body['errcode'])}`).toBe('400 M_INVALID_PARAM');
  });
});
