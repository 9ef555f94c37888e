import { EventReader, RoomActorReader } from '@atoll/database';
import { parseExactJson } from '@atoll/event-crypto';
import type { EventId, JsonObject, Pdu, RoomId } from '@atoll/matrix';
import { hasValidContentHash, referenceTo, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EVE, RemoteServer } from '../remote-server.spec-support.js';
import { EventCache } from '../room-actor/event-cache.js';
import { ALICE, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

let service: TestRoomState;
let remote: RemoteServer;
beforeAll(async () => {
  service = await startTestRoomState();
  remote = new RemoteServer(service);
  await remote.publishKey();
});
afterAll(() => service.stop());

async function roomWithEve(version: string, powerLevelContentOverride: JsonObject = {}): Promise<RoomId> {
  const roomId = await service.createRoom({ preset: 'public_chat', powerLevelContentOverride }, version);
  const join = { type: 'm.room.member', state_key: EVE, content: { membership: 'join' } };
  expect(await remote.send(roomId, version, join)).toMatchObject({ outcome: 'accepted' });
  return roomId;
}

const message = (body: string) => ({ type: 'm.room.message', content: { body } });
const row = (eventId: EventId) =>
  service.database.db
    .selectFrom('events')
    .select(['json', 'depth', 'origin_server_ts'])
    .where('event_id', '=', eventId)
    .executeTakeFirstOrThrow();
const redactionOf = async (eventId: EventId) =>
  (await new EventReader(service.database).byIds([eventId])).get(eventId)?.redactedBecause?.eventId;
const exact = (json: string) => parseExactJson(json) as unknown as Pdu;

describe.each(['1', '2'])('events of version %s, whose ids are chosen', (version) => {
  const rules = rulesOf(version) as RoomVersionRules;
  let roomId: RoomId;
  beforeAll(async () => {
    roomId = await roomWithEve(version);
  });

  it('are accepted once, and named by id and hash', async () => {
    const { pdu, eventId, outcome } = await remote.send(roomId, version, message('hi'));
    expect([outcome, eventId]).toEqual(['accepted', pdu.event_id]);
    const otherOfThisId = await remote.event(roomId, version, { ...message('other'), event_id: eventId });
    expect(await remote.accept(roomId, otherOfThisId)).toEqual([{ eventId, outcome: 'duplicate' }]);
    const answer = await service.message(roomId, ALICE, 'hello');
    expect(answer.eventId).toMatch(/^\$[A-Za-z0-9_-]{24}:hs1$/);
    const { json } = await row(answer.eventId);
    const { prev_events, auth_events } = exact(json);
    expect(prev_events).toEqual([referenceTo({ eventId, roomId, pdu, rejected: false }, rules)]);
    expect(auth_events).toHaveLength(3);
  });

  it.each(['$stolen:hs1', '$stolen:hs3'])('must be signed by the server in %s', async (id) => {
    const pdu = await remote.event(roomId, version, { ...message('x'), event_id: id as EventId });
    expect(await remote.accept(roomId, pdu)).toMatchObject([
      { outcome: 'refused', reason: expect.stringContaining('signature') },
    ]);
  });

  it('must have an id', async () => {
    const { event_id: _, ...pdu } = await remote.event(roomId, version, message('x'));
    expect(await remote.accept(roomId, pdu)).toMatchObject([{ outcome: 'refused' }]);
  });

  it('redact what is of the same server, and nothing else without the power for it', async () => {
    const redaction = (redacts: EventId) => ({ type: 'm.room.redaction', content: {}, redacts });
    const own = await remote.send(roomId, version, message('mine'));
    const redacted = await remote.send(roomId, version, redaction(own.eventId));
    expect(redacted.outcome).toBe('accepted');
    expect(await redactionOf(own.eventId)).toBe(redacted.eventId);
    const alices = (await service.message(roomId, ALICE, 'hers')).eventId;
    expect(await remote.send(roomId, version, redaction(alices))).toMatchObject({ outcome: 'rejected' });
    expect(await redactionOf(alices)).toBeUndefined();
  });

  it('keep depths beyond those of JavaScript, over which their hashes go', async () => {
    const depth = parseExactJson('9223372036854775807') as number;
    const room = await roomWithEve(version);
    const { pdu, eventId, outcome } = await remote.send(room, version, { ...message('deep'), depth });
    expect(outcome).toBe('accepted');
    const stored = await row(eventId);
    expect(stored.depth).toBe(Number.MAX_SAFE_INTEGER);
    expect(JSON.parse(stored.json)).toMatchObject({ depth: 2 ** 63 });
    expect(stored.json).toContain('"depth":9223372036854775807');

    const reference = referenceTo({ eventId, roomId: room, pdu, rejected: false }, rules);
    const fromDatabase = new EventCache(service.module.get(RoomActorReader), 1_000_000);
    expect((await fromDatabase.load([eventId])).get(eventId)?.reference).toEqual(reference);
    const next = exact((await row((await service.message(room, ALICE, 'on top')).eventId)).json);
    expect(next).toMatchObject({ depth: Number.MAX_SAFE_INTEGER, prev_events: [reference] });
  });
});

it('names events of version 3 by their hash in the Base64 that it has', async () => {
  const roomId = await roomWithEve('3');
  const { eventId, outcome } = await remote.send(roomId, '3', message('hi'));
  expect([outcome, eventId]).toEqual(['accepted', expect.stringMatching(/^\$[A-Za-z0-9+/]{43}$/)]);
});

it.each([
  ['10', 'accepted'],
  ['11', 'refused'],
])(
  'has 255 characters in a state key of version %s %s, however many bytes they are',
  async (version, outcome) => {
    const roomId = await roomWithEve(version, { state_default: 0 });
    const pdu = await remote.event(roomId, version, {
      type: 'm.x',
      state_key: '😀'.repeat(255),
      content: {},
    });
    expect(await remote.accept(roomId, pdu)).toMatchObject([{ outcome }]);
  },
);

describe('numbers that are no integers', () => {
  const numbers = '{"body":"x","float":0.5,"large":123456789012345678901,"whole":1.0}';
  const content = parseExactJson(numbers) as JsonObject;

  it('are in events of version 5 as they were sent', async () => {
    const roomId = await roomWithEve('5');
    const { eventId, outcome } = await remote.send(roomId, '5', { type: 'm.room.message', content });
    expect(outcome).toBe('accepted');
    const { json } = await row(eventId);
    expect(json).toContain(`"content":${numbers}`);
    expect(hasValidContentHash(exact(json), rulesOf('5') as RoomVersionRules)).toBe(true);
    const read = (await new EventReader(service.database).byIds([eventId])).get(eventId);
    expect(read?.pdu.content).toEqual(JSON.parse(numbers));
  });

  it.each(['6', '12'])('are in no event of version %s', async (version) => {
    const roomId = await roomWithEve(version);
    for (const number of ['0.5', '1.0', '1e2', '9007199254740992']) {
      const inContent = { body: 'x', number: parseExactJson(number) ?? null };
      const pdu = await remote.event(roomId, version, { type: 'm.room.message', content: inContent }, true);
      expect(await remote.accept(roomId, pdu)).toMatchObject([{ eventId: null, outcome: 'refused' }]);
    }
  });

  it('do not change what is beside them when white space and unsigned come with the event', async () => {
    const roomId = await roomWithEve('12');
    const pdu = await remote.event(roomId, '12', message('spacious'));
    const text = JSON.stringify({ ...pdu, unsigned: { age: 1.5 } }, undefined, 8);
    expect(await remote.accept(roomId, text)).toMatchObject([{ outcome: 'accepted' }]);
    expect(await remote.accept(roomId, 'no JSON')).toMatchObject([{ eventId: null, outcome: 'refused' }]);
  });
});
