import { EVENT_STATUS } from '@atoll/database';
import { type EventRow, type PlacedRow, RoomRows } from '@atoll/database/testing';
import type { EventId, JsonObject, RoomId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { alice, type Asked, bob, federationPath, startAsked } from './room-reads.spec-support.js';
import { OWN_NAME } from './test-receiver.spec-support.js';

interface TransactionBody {
  origin: string;
  pdus: JsonObject[];
}

describe('what a server in the room reads', () => {
  let asked: Asked;
  let room: RoomRows;
  const at: Record<string, PlacedRow> = {};
  const placed = (...names: string[]) => names.map((name) => at[name] as PlacedRow);
  const idOf = (name: string) => at[name]?.eventId as EventId;
  const ids = (...names: string[]) => names.map(idOf).sort();
  const get = (parts: string[], query = {}) => asked.ask('hs2', 'GET', federationPath(parts, query));
  const missing = (body: JsonObject) =>
    asked.ask('hs2', 'POST', federationPath(['get_missing_events', room.roomId]), body);
  const bodies = (pdus: JsonObject[]) => pdus.map(({ content }) => (content as JsonObject)['body']);

  /** Every event follows the one before, unless it says what it follows. */
  async function add(name: string, row: Partial<EventRow>, prev?: string[]): Promise<void> {
    const before = Object.keys(at).at(-1);
    const prevEvents = placed(...(prev ?? (before === undefined ? [] : [before])));
    const type = row.stateKey === undefined && !row.type ? 'm.room.message' : (row.type ?? 'm.room.member');
    at[name] = await room.event({ sender: alice, prevEvents, ...row, type });
  }

  beforeAll(async () => {
    asked = await startAsked();
    room = await RoomRows.create(asked.database, { roomId: '!room:hs1' as RoomId, version: '10' });
    const joined = { membership: 'join' };
    const authEvents = () => placed('create', 'alice');
    await add('create', { type: 'm.room.create', stateKey: '' });
    await add('alice', { stateKey: alice, content: joined, authEvents: placed('create') });
    await add('hidden', {
      ...{ type: 'm.room.history_visibility', stateKey: '', authEvents: authEvents() },
      content: { history_visibility: 'joined' },
    });
    await add('secret', { content: { body: 'before hs2 came' }, authEvents: authEvents() });
    await add('invited', { stateKey: bob, content: { membership: 'invite' }, authEvents: authEvents() });
    await add('bob', {
      stateKey: bob,
      sender: bob,
      content: joined,
      authEvents: placed('create', 'invited'),
    });
    await add('hello', { content: { body: 'hello bob' }, authEvents: authEvents() });
    await add('regretted', { content: { body: 'regretted' } });
    await add('redaction', { type: 'm.room.redaction', redacts: placed('regretted')[0] as PlacedRow });
    const fork = { basePosition: at['hello']?.position ?? 0 };
    await add('soft', { status: EVENT_STATUS.softFailed, fork, content: { body: 'soft' } }, ['hello']);
    await add('rejected', { status: EVENT_STATUS.rejected, fork, content: { body: 'rejected' } }, ['hello']);
    await add('outlier', { status: EVENT_STATUS.outlier, content: { body: 'outlier' } }, ['hello']);
    await add('forged', { status: EVENT_STATUS.rejectedOutlier, content: { body: 'forged' } }, []);
    await add('merge', { content: { body: 'merge' } }, ['redaction', 'soft', 'rejected', 'outlier']);
    await add('last', { content: { body: 'last' } });
  });
  afterAll(() => asked.close());

  describe('GET /event', () => {
    const event = async (name: string) => (await get(['event', idOf(name)])).body as TransactionBody;

    it('gives one event in a transaction', async () => {
      const { status, headers, body } = await get(['event', idOf('hello')]);
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('application/json');
      expect(body).toMatchObject({
        ...{ origin: OWN_NAME, origin_server_ts: expect.any(Number) },
        pdus: [{ type: 'm.room.message', content: { body: 'hello bob' }, depth: at['hello']?.position }],
      });
      expect((body as TransactionBody).pdus).toHaveLength(1);
    });

    it('gives redacted copies of what was redacted, and of what the server may not see', async () => {
      for (const name of ['regretted', 'secret']) {
        const [pdu] = (await event(name)).pdus;
        expect(pdu).toMatchObject({ type: 'm.room.message', content: {}, hashes: { sha256: '' } });
      }
      expect((await event('hidden')).pdus).toMatchObject([{ content: { history_visibility: 'joined' } }]);
      expect((await event('bob')).pdus).toMatchObject([{ content: { membership: 'join' } }]);
    });

    it('gives soft-failed events and outliers, but never rejected ones', async () => {
      expect(bodies((await event('soft')).pdus)).toEqual(['soft']);
      expect(bodies((await event('outlier')).pdus)).toEqual(['outlier']);
      for (const eventId of [idOf('rejected'), idOf('forged'), '$unknown']) {
        expect(await get(['event', eventId])).toMatchObject({
          status: 404,
          body: { errcode: 'M_NOT_FOUND' },
        });
      }
    });
  });

  describe('GET /state and /state_ids', () => {
    const query = (name: string) => ({ event_id: idOf(name) });

    it('give the state before the event with its auth chain', async () => {
      const before = ids('create', 'alice', 'hidden', 'bob');
      const chain = ids('create', 'alice', 'invited');
      const { body } = await get(['state_ids', room.roomId], query('hello'));
      const { pdu_ids, auth_chain_ids } = body as Record<string, string[]>;
      expect([pdu_ids?.sort(), auth_chain_ids?.sort()]).toEqual([before, chain]);
      const whole = await get(['state', room.roomId], query('hello'));
      const { pdus, auth_chain } = whole.body as Record<string, JsonObject[]>;
      expect(whole.headers['content-type']).toBe('application/json');
      expect([pdus?.length, auth_chain?.length]).toEqual([before.length, chain.length]);
      expect(pdus).toContainEqual(
        expect.objectContaining({ state_key: bob, content: { membership: 'join' } }),
      );
    });

    it('do not count the event itself', async () => {
      const { body } = await get(['state_ids', room.roomId], query('bob'));
      expect((body as Record<string, string[]>)['pdu_ids']).toContain(idOf('invited'));
      const first = await get(['state', room.roomId], query('create'));
      expect(first.body).toEqual({ pdus: [], auth_chain: [] });
    });

    it('know nothing of rejected events, outliers and events of other rooms', async () => {
      const other = await RoomRows.create(asked.database, { roomId: '!other:hs1' as RoomId });
      const elsewhere = await other.message(alice, 'elsewhere');
      for (const path of ['state', 'state_ids']) {
        for (const event_id of [idOf('rejected'), idOf('outlier'), elsewhere.eventId, '$unknown']) {
          expect(await get([path, room.roomId], { event_id })).toMatchObject({
            ...{ status: 404, body: { errcode: 'M_NOT_FOUND' } },
          });
        }
        expect(await get([path, room.roomId])).toMatchObject({
          ...{ status: 400, body: { errcode: 'M_MISSING_PARAM' } },
        });
      }
    });
  });

  describe('GET /event_auth', () => {
    it('gives exactly the auth chain', async () => {
      const chainOf = async (name: string) => {
        const { body } = await get(['event_auth', room.roomId, idOf(name)]);
        const { auth_chain, ...rest } = body as Record<string, JsonObject[]>;
        expect(rest).toEqual({});
        return auth_chain?.map(({ depth }) => depth as number).sort((a, b) => a - b);
      };
      const depths = (...names: string[]) => placed(...names).map(({ position }) => position);
      expect(await chainOf('bob')).toEqual(depths('create', 'alice', 'invited'));
      expect(await chainOf('create')).toEqual([]);
      expect(await get(['event_auth', room.roomId, idOf('rejected')])).toMatchObject({ status: 404 });
    });
  });

  describe('GET /backfill', () => {
    const backfill = async (v: string, limit: number) => {
      const { body } = await get(['backfill', room.roomId], { v, limit });
      return (body as TransactionBody).pdus;
    };

    it('gives the events and those before them, the newest first, within the limit', async () => {
      const pdus = await backfill(idOf('last'), 4);
      expect(bodies(pdus)).toEqual(['last', 'merge', 'soft', undefined]);
      expect(pdus[3]).toMatchObject({ type: 'm.room.redaction' });
    });

    it('goes to the create event, with redacted copies, without rejected events and outliers', async () => {
      const pdus = await backfill(idOf('last'), 1000);
      expect(pdus).toHaveLength(12);
      expect(pdus.at(-1)).toMatchObject({ type: 'm.room.create' });
      const text = JSON.stringify(pdus);
      for (const hidden of ['regretted', 'before hs2 came', 'rejected', 'outlier', 'forged']) {
        expect(text).not.toContain(hidden);
      }
    });

    it('takes several events, and passes over those of other rooms', async () => {
      const path = federationPath(['backfill', room.roomId], { limit: 2, v: idOf('alice') });
      const { body } = await asked.ask('hs2', 'GET', `${path}&v=%24unknown`);
      expect((body as TransactionBody).pdus).toMatchObject([{ state_key: alice }, { type: 'm.room.create' }]);
      expect(await backfill('$unknown', 5)).toEqual([]);
    });

    it.each([
      { v: '$x' },
      { limit: 5 },
      { v: '$x', limit: 0 },
      { v: '$x', limit: 'many' },
      { v: 'x', limit: 1 },
    ])('refuses %j', async (query) => {
      expect(await get(['backfill', room.roomId], query)).toMatchObject({ status: 400 });
    });
  });

  describe('POST /get_missing_events', () => {
    const events = async (body: JsonObject) =>
      ((await missing(body)).body as { events: JsonObject[] }).events;

    it('gives what lies between, the oldest first, redacted where it may not be seen', async () => {
      const between = await events({ earliest_events: [idOf('alice')], latest_events: [idOf('bob')] });
      expect(between.map(({ type }) => type)).toEqual([
        'm.room.history_visibility',
        'm.room.message',
        'm.room.member',
      ]);
      expect(between[1]).toMatchObject({ content: {} });
    });

    it('holds to limit and depth', async () => {
      const latest = { earliest_events: [], latest_events: [idOf('last')] };
      expect(bodies(await events({ ...latest, limit: 1 }))).toEqual(['merge']);
      expect(await events(latest)).toHaveLength(10);
      const min_depth = at['hello']?.position ?? 0;
      expect(await events({ ...latest, min_depth, limit: 100 })).toHaveLength(5);
      expect(await events({ earliest_events: [], latest_events: ['$unknown'] })).toEqual([]);
    });

    it.each([{}, { earliest_events: [], latest_events: 'x' }, { earliest_events: [], latest_events: [1] }])(
      'refuses %j',
      async (body) => {
        expect(await missing(body)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
      },
    );
  });

  describe('GET /timestamp_to_event', () => {
    const find = (ts: number, dir: string) => get(['timestamp_to_event', room.roomId], { ts, dir });

    it('gives the closest event in the direction', async () => {
      const ts = at['hello']?.position ?? 0;
      const found = { status: 200, body: { event_id: idOf('hello'), origin_server_ts: ts } };
      expect(await find(ts, 'f')).toMatchObject(found);
      expect(await find(ts, 'b')).toMatchObject(found);
      expect(await find(0, 'f')).toMatchObject({ body: { event_id: idOf('create') } });
      expect(await find((at['soft']?.position ?? 0) + 1, 'b')).toMatchObject({
        body: { event_id: idOf('redaction') },
      });
    });

    it('says so when there is none', async () => {
      const refused = { status: 404, body: { errcode: 'M_NOT_FOUND' } };
      expect(await find(0, 'b')).toMatchObject(refused);
      expect(await find(Number.MAX_SAFE_INTEGER, 'f')).toMatchObject(refused);
      expect(await find(0, 'x')).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    });
  });
});
