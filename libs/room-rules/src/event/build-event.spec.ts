import { describe, expect, it } from '@jest/globals';
import { generateSigningKey } from '@atoll/event-crypto';
import type { EventId, JsonValue, RoomId, ServerName, UserId } from '@atoll/matrix';
import fc from 'fast-check';
import { supportedRoomVersions } from '../room-version-rules.js';
import { buildEvent, hashDraft, signEvent, type EventDraft } from './build-event.js';
import { eventIdOf, hasValidContentHash, roomIdOf } from './event-hashes.js';
import { parseEvent } from './parse-event.js';
import { redactEvent } from './redact-event.js';
import { verifyEventSignatures } from './verify-event-signatures.js';

const server = 'example.org' as ServerName;
const key = generateSigningKey();
const keyFor = () => ({ publicKey: key.publicKey });

const draftWith = (more: Partial<EventDraft> = {}): EventDraft => ({
  type: 'm.room.message',
  room_id: `!${'r'.repeat(43)}` as RoomId,
  sender: '@alice:example.org' as UserId,
  content: { msgtype: 'm.text', body: 'hello' },
  origin_server_ts: 1_000,
  depth: 5,
  prev_events: ['$p' as EventId],
  auth_events: ['$a' as EventId],
  ...more,
});

describe.each(supportedRoomVersions)('an event built for room version $version', (rules) => {
  const roomId = (rules.roomIdIsCreateEventId ? `!${'r'.repeat(43)}` : '!r:example.org') as RoomId;
  const draft = draftWith({ room_id: roomId });

  it('passes every check of a receiver', async () => {
    const { eventId, roomId: builtIn, pdu, rejected } = await buildEvent(draft, rules, server, key);
    const parsed = parseEvent(JSON.parse(JSON.stringify(pdu)), rules);
    expect(parsed).toEqual({ event: pdu });
    expect(hasValidContentHash(pdu)).toBe(true);
    expect(eventIdOf(pdu, rules)).toBe(eventId);
    expect([builtIn, roomIdOf(pdu, rules), rejected]).toEqual([roomId, roomId, false]);
    expect(await verifyEventSignatures(pdu, rules, keyFor)).toBeUndefined();
    expect(await verifyEventSignatures(redactEvent(pdu, rules), rules, keyFor)).toBeUndefined();
  });

  it('has its id before it is signed', async () => {
    const { event } = hashDraft(draft, rules);
    expect(event.pdu.signatures).toEqual({});
    expect((await buildEvent(draft, rules, server, key)).eventId).toBe(event.eventId);
  });

  it('can be signed by another server as well', async () => {
    const { pdu } = await buildEvent(draft, rules, server, key);
    const other = generateSigningKey();
    const both = await signEvent(pdu, rules, 'other.org' as ServerName, other);
    expect(Object.keys(both.signatures)).toEqual(['example.org', 'other.org']);
    expect(await signEvent(pdu, rules, server, key)).toEqual(pdu);
    expect(await verifyEventSignatures(both, rules, keyFor)).toBeUndefined();
  });

  it('never verifies once a signed field is changed', async () => {
    const { pdu } = await buildEvent(draftWith({ room_id: roomId, state_key: '' }), rules, server, key);
    const signedFields = fc.constantFrom(
      ...['type', 'room_id', 'state_key', 'depth', 'prev_events', 'auth_events', 'hashes', 'event_id'],
    );
    const anyValue = fc.oneof(fc.string(), fc.integer(), fc.array(fc.string()), fc.constant(undefined));
    await fc.assert(
      fc.asyncProperty(signedFields, anyValue, async (field, value) => {
        fc.pre(JSON.stringify(value) !== JSON.stringify(pdu[field]));
        const problem = await verifyEventSignatures({ ...pdu, [field]: value }, rules, keyFor);
        expect(problem?.reason).toBe('invalid');
      }),
      { numRuns: 60 },
    );
  });

  it('loses its content hash, not its signature, when content that redaction strips is changed', async () => {
    const { pdu } = await buildEvent(draft, rules, server, key);
    const changed = { ...pdu, content: { body: 'changed' } };
    expect(await verifyEventSignatures(changed, rules, keyFor)).toBeUndefined();
    expect(hasValidContentHash(changed)).toBe(false);
    expect(eventIdOf(changed, rules)).toBe(eventIdOf(pdu, rules));
  });

  it('is refused when its content has no canonical form', () => {
    const content = { n: 1.5 as JsonValue };
    expect(() => hashDraft({ ...draft, content }, rules)).toThrow('1.5');
  });
});

it('a create event of room version 12 gives the room its id', () => {
  const rules = supportedRoomVersions.find((version) => version.roomIdIsCreateEventId);
  if (rules === undefined) throw new Error('room version 12 is missing');
  const create = draftWith({ type: 'm.room.create', state_key: '', prev_events: [] });
  delete create.room_id;
  const { event } = hashDraft(create, rules);
  expect(event.roomId).toBe(event.eventId.replace('$', '!'));
  expect(event.pdu).not.toHaveProperty('room_id');
});
