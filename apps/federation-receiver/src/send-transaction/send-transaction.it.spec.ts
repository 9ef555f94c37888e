import { EVENT_STATUS } from '@atoll/database';
import { parseExactJson } from '@atoll/event-crypto';
import type { JsonObject, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OWN_NAME } from '../test-receiver.spec-support.js';
import {
  addEvent,
  EVE,
  eventIn,
  HS2,
  HS3,
  startTransactionTest,
  type TestRoom,
} from './test-transactions.spec-support.js';

const ALICE = `@alice:${OWN_NAME}` as UserId;

describe('a transaction', () => {
  let test: Awaited<ReturnType<typeof startTransactionTest>>;
  let room: TestRoom;
  beforeAll(async () => {
    test = await startTransactionTest();
    room = await test.room();
  });
  afterAll(() => test.stop());

  const event = (said: Parameters<typeof eventIn>[2] = {}, into = room, options = {}) =>
    eventIn(into, test.keys[HS2] as never, said, options);
  const texts = async (into = room) => (await test.staged(into.roomId)).map(({ json }) => json);

  it('is taken in: its events are staged as they came, and announced', async () => {
    const { pdu, eventId } = await event({ unsigned: { age: 5 } });
    expect(await test.send([pdu])).toEqual({ status: 200, body: { pdus: { [eventId]: {} } } });
    const { unsigned, ...rest } = pdu;
    expect(unsigned).toBeDefined();
    expect(await test.staged(room.roomId)).toMatchObject([
      { event_id: eventId, origin: HS2, partition: 3, json: JSON.stringify(rest) },
    ]);
    expect(await test.announced('pdus-staged')).toContainEqual({ roomId: room.roomId });
  });

  it('may hold nothing, or only ephemeral messages', async () => {
    expect(await test.send([])).toEqual({ status: 200, body: { pdus: {} } });
    const content = { room_id: room.roomId, user_id: EVE, typing: true };
    const edus = [{ edu_type: 'm.typing', content }, { edu_type: 'm.unknown' }, 7, null];
    expect(await test.send([], { edus })).toEqual({ status: 200, body: { pdus: {} } });
  });

  it('waits while the owner of one of its rooms has too much of its server to do', async () => {
    const busy = await test.room();
    await test.stageMany(busy.roomId, 10_000);
    const { pdu } = await event({}, busy);
    expect(await test.send([pdu])).toMatchObject({
      status: 503,
      body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) },
    });
    const other = await event();
    expect(await test.send([other.pdu])).toMatchObject({ status: 200 });
    // What one server has sent too much of holds up no other.
    expect(await test.send([pdu], { origin: HS3 })).toMatchObject({ status: 200 });
  });

  describe('of which one event is bad still brings the others', () => {
    async function sendBad(bad: JsonObject | string, into = room) {
      const good = await event({}, into);
      const { status, body } = await test.send([bad, good.pdu]);
      expect(status).toBe(200);
      const { [good.eventId]: ofGood, ...others } = body['pdus'] as Record<string, { error?: string }>;
      expect(ofGood).toEqual({});
      expect((await texts(into)).at(-1)).toBe(JSON.stringify(good.pdu));
      return others;
    }

    it('when its sender is forged', async () => {
      const { pdu, eventId } = await event({ sender: '@victim:hs3' as UserId });
      expect(await sendBad(pdu)).toEqual({ [eventId]: { error: 'signature of hs3: missing' } });
    });

    it('when it is signed by a key that is not its server’s', async () => {
      const { pdu, eventId } = await eventIn(room, test.keys[HS3] as never);
      expect(await sendBad(pdu)).toEqual({
        [eventId]: { error: expect.stringContaining('signature of hs2') },
      });
    });

    it('when it is unsigned', async () => {
      const { pdu, eventId } = await event();
      const others = await sendBad({ ...pdu, signatures: {} });
      expect(others).toEqual({ [eventId]: { error: 'signature of hs2: missing' } });
    });

    it('when its room is not known: it has no id that could be told', async () => {
      const { pdu } = await event({ room_id: '!nowhere:hs2' as never });
      expect(await sendBad(pdu)).toEqual({});
    });

    it('when its room is not known, but it says its id', async () => {
      const { pdu } = await event({ room_id: '!nowhere:hs2' as never, event_id: '$mine:hs2' as never });
      expect(await sendBad(pdu)).toEqual({ '$mine:hs2': { error: 'The room is not known' } });
    });

    it.each([null, [], 'text', 7, {}, { room_id: 7 }, { room_id: '!r:\0' }])('when it is %j', async (bad) => {
      expect(await sendBad(JSON.stringify(bad))).toEqual({});
    });

    it('when it is too large', async () => {
      const { pdu, eventId } = await event({ content: { body: 'x'.repeat(70_000) } });
      expect(await sendBad(pdu)).toEqual({ [eventId]: { error: expect.stringContaining('larger') } });
    });

    it('when it is nested too deep', async () => {
      const { pdu, eventId } = await event();
      const deep = JSON.stringify(pdu).replace(/"hello [^"]*"/, '['.repeat(560) + ']'.repeat(560));
      expect(await sendBad(deep)).toEqual({
        [eventId]: { error: expect.stringContaining('nested too deep') },
      });
    });

    it('when it holds a float, from room version 6 on', async () => {
      const { pdu } = await event({ content: parseExactJson('{"n":1.0}') as JsonObject }, room, {
        lenient: true,
      });
      const others = await sendBad(pdu);
      expect(Object.values(others)).toEqual([{ error: expect.stringContaining('integer') }]);
    });
  });

  it('may hold numbers of any kind in rooms of version 5: they stay as they are', async () => {
    const old = await test.room({ version: '5' });
    const numbers = '[1.0,1e3,-0.0,1.5,12345678901234567890]';
    const content = parseExactJson(`{"list":${numbers}}`) as JsonObject;
    const { pdu, eventId } = await event({ content }, old);
    expect(await test.send([pdu])).toEqual({ status: 200, body: { pdus: { [eventId]: {} } } });
    expect((await texts(old))[0]).toContain(`"list":${numbers}`);
  });

  it('brings an event whose content hash is wrong in its redacted form', async () => {
    const { pdu, eventId } = await event();
    const changed = { ...pdu, content: { body: 'changed' } };
    expect(await test.send([changed])).toEqual({ status: 200, body: { pdus: { [eventId]: {} } } });
    const stored = JSON.parse((await texts()).at(-1) ?? '') as JsonObject;
    expect(stored).toMatchObject({ content: {}, hashes: pdu['hashes'] });
  });

  it('brings nothing that is known already; outliers it does', async () => {
    const [known, outlier] = [await event(), await event()];
    const base = { room_nid: 1, json: '{}' };
    await addEvent(test.database, { ...base, event_nid: 5_000, event_id: known.eventId });
    const status = EVENT_STATUS.outlier;
    await addEvent(test.database, { ...base, event_nid: 5_001, event_id: outlier.eventId, status });
    const { body } = await test.send([known.pdu, outlier.pdu]);
    expect(body).toEqual({ pdus: { [known.eventId]: {}, [outlier.eventId]: {} } });
    const staged = (await test.staged(room.roomId)).map((row) => row.event_id);
    expect(staged).toContain(outlier.eventId);
    expect(staged).not.toContain(known.eventId);
  });

  it('of a server that a room’s ACL denies brings nothing for that room', async () => {
    const denied = await test.room({ acl: { allow: ['*'], deny: ['HS2'] } });
    const allowed = await test.room({ acl: { allow: ['hs?'] } });
    const [one, two] = [await event({}, denied), await event({}, allowed)];
    const { body } = await test.send([one.pdu, two.pdu]);
    expect(body).toEqual({
      pdus: { [one.eventId]: { error: expect.stringContaining('ACL') }, [two.eventId]: {} },
    });
    // The ACL is about who sends, not about who speaks.
    const three = await event({}, denied);
    expect((await test.send([three.pdu], { origin: HS3 })).body).toEqual({ pdus: { [three.eventId]: {} } });
  });

  describe('for a room that this server is not in', () => {
    const member = (state_key: string, membership: string) => ({
      ...{ type: 'm.room.member', state_key, content: { membership } },
    });

    it.each([
      ['invite', 'leave'],
      ['knock', 'ban'],
    ] as const)('brings what becomes of an open %s', async (open, becomes) => {
      const others = await test.room({ members: { [ALICE]: open, '@bob:hs1': 'leave', [EVE]: 'join' } });
      const [mine, message] = [await event(member(ALICE, becomes), others), await event({}, others)];
      const [bobs, eves] = [
        await event(member('@bob:hs1', 'leave'), others),
        await event(member(EVE, 'leave'), others),
      ];
      const { body } = await test.send([mine.pdu, message.pdu, bobs.pdu, eves.pdu]);
      const error = 'This server is not in the room';
      expect(body['pdus']).toEqual({
        ...{ [mine.eventId]: {}, [message.eventId]: { error } },
        ...{ [bobs.eventId]: { error }, [eves.eventId]: { error } },
      });
      expect(await texts(others)).toEqual([JSON.stringify(mine.pdu)]);
    });

    it('brings nothing else, though the server was in it once', async () => {
      const left = await test.room({ members: { [ALICE]: 'leave', [EVE]: 'join' } });
      const { pdu, eventId } = await event({}, left);
      expect((await test.send([pdu])).body['pdus']).toEqual({ [eventId]: { error: expect.any(String) } });
      expect(await texts(left)).toEqual([]);
    });
  });

  describe('is refused', () => {
    it('when it says to be of another server', async () => {
      const more = { origin: HS3 };
      expect(await test.send([], { more })).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    });

    it('when another server has signed it', async () => {
      const origin = 'unknown.invalid' as typeof HS2;
      expect(await test.send([], { origin })).toMatchObject({ status: 401 });
    });

    it.each<[string, JsonObject, number, string]>([
      ['51 PDUs', { pdus: Array<null>(51).fill(null) }, 400, 'M_BAD_JSON'],
      ['101 EDUs', { edus: Array<null>(101).fill(null) }, 400, 'M_BAD_JSON'],
      ['no list of PDUs', { pdus: {} }, 400, 'M_BAD_JSON'],
      ['100,000 values', { more: Array<number>(100_000).fill(1) }, 400, 'M_BAD_JSON'],
      ['13 MiB', { more: 'x'.repeat(13 * 1024 * 1024) }, 413, 'M_TOO_LARGE'],
    ])('with %s', async (_, more, status, errcode) => {
      expect(await test.send([], { more })).toMatchObject({ status, body: { errcode } });
    });

    it.each(['x'.repeat(256), 'a\0b'])('with the id %j', async (txnId) => {
      expect(await test.send([], { txnId })).toMatchObject({
        status: 400,
        body: { errcode: 'M_INVALID_PARAM' },
      });
    });
  });
});
