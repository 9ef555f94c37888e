import { describe, expect, it } from '@jest/globals';
import { canonicalJson, generateSigningKey } from '@atoll/event-crypto';
import type { EventId, JsonObject, JsonValue, Pdu, ServerName, UserId } from '@atoll/matrix';
import fc from 'fast-check';
import { supportedRoomVersions } from '../room-version-rules.js';
import { buildEvent, hashDraft, newEventId, signEvent, type EventDraft } from './build-event.js';
import { eventIdOf, hasValidContentHash, roomIdOf } from './event-hashes.js';
import { parseEvent, parseEventText } from './parse-event.js';
import { redactEvent } from './redact-event.js';
import { exactly, references, roomIdFor, rulesFor, versions } from './test-event.spec-support.js';
import { verifyEventSignatures } from './verify-event-signatures.js';

const server = 'example.org' as ServerName;
const key = generateSigningKey();
const keyFor = () => ({ publicKey: key.publicKey });

describe.each(supportedRoomVersions)('an event built for room version $version', (rules) => {
  const roomId = roomIdFor(rules);
  const eventId = newEventId('opaque', server, rules);
  const draft: EventDraft = {
    ...{ type: 'm.room.message', room_id: roomId, sender: '@alice:example.org' as UserId },
    ...(eventId !== undefined && { event_id: eventId }),
    ...{ content: { msgtype: 'm.text', body: 'hello' }, origin_server_ts: 1_000, depth: 5 },
    ...{ prev_events: references(2, rules), auth_events: references(3, rules) },
  };

  it('passes every check of a receiver', async () => {
    const built = await buildEvent(draft, rules, server, key);
    const { pdu } = built;
    expect(parseEvent(JSON.parse(JSON.stringify(pdu)), rules)).toEqual({ event: pdu });
    expect(parseEventText(canonicalJson(pdu as JsonObject), rules)).toEqual({ event: pdu });
    expect(hasValidContentHash(pdu, rules)).toBe(true);
    expect(eventIdOf(pdu, rules)).toBe(built.eventId);
    expect([built.roomId, roomIdOf(pdu, rules), built.rejected]).toEqual([roomId, roomId, false]);
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
    const both = await signEvent({ ...pdu, unsigned: { age: 1 } }, rules, 'other.org' as ServerName, other);
    expect(Object.keys(both.signatures)).toEqual(['example.org', 'other.org']);
    expect(both.unsigned).toEqual({ age: 1 });
    expect(Object.keys(pdu.signatures)).toEqual(['example.org']);
    expect(await signEvent(pdu, rules, server, key)).toEqual(pdu);
    expect(await verifyEventSignatures(both, rules, keyFor)).toBeUndefined();
  });

  it('never verifies once a signed field is changed', async () => {
    const { pdu } = await buildEvent({ ...draft, state_key: '' }, rules, server, key);
    const signedFields = fc.constantFrom(
      ...['type', 'room_id', 'state_key', 'depth', 'prev_events', 'auth_events', 'hashes'],
      ...(rules.eventIds === 'chosen' ? [] : ['event_id']),
      ...(Number(rules.version) <= 10 ? ['origin', 'membership', 'prev_state'] : []),
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
    const changed: Pdu = { ...pdu, content: { body: 'changed' }, extra: true };
    expect(await verifyEventSignatures(changed, rules, keyFor)).toBeUndefined();
    expect(hasValidContentHash(changed, rules)).toBe(false);
    expect(eventIdOf(changed, rules)).toBe(eventIdOf(pdu, rules));
    expect(redactEvent(changed, rules)).toEqual(redactEvent(pdu, rules));
  });

  it.each<JsonValue>([1.5, exactly('1.0'), exactly('1e3'), 2 ** 53, '\ud800'])(
    'is refused with a content that has no canonical form: %#',
    (n) => {
      expect(() => hashDraft({ ...draft, content: { n } }, rules)).toThrow(/is not an integer|surrogate/);
      expect(() => hashDraft({ ...draft, depth: n as number }, rules)).toThrow(/is not an integer|surrogate/);
    },
  );
});

describe('the id of a new event', () => {
  it('is chosen in room versions 1 and 2 only', () => {
    for (const rules of supportedRoomVersions) {
      const chosen = Number(rules.version) <= 2;
      expect(newEventId('o', server, rules)).toBe(chosen ? '$o:example.org' : undefined);
    }
  });

  it('must be given there', () => {
    for (const rules of versions(1, 2)) {
      const draft = { ...{ type: 'm.x', content: {} }, sender: '@a:b' as UserId } as EventDraft;
      expect(() => hashDraft(draft, rules)).toThrow('A draft of type m.x has no event_id');
      expect(hashDraft({ ...draft, event_id: '$a:b' as EventId }, rules).event.eventId).toBe('$a:b');
    }
  });
});

it('a create event of room version 12 gives the room its id', () => {
  const draft = {
    ...{ type: 'm.room.create', state_key: '', sender: '@a:b' as UserId, content: {}, depth: 1 },
    ...{ origin_server_ts: 1, prev_events: [], auth_events: [] },
  };
  const { event } = hashDraft(draft, rulesFor('12'));
  expect(event.roomId).toBe(event.eventId.replace('$', '!'));
  expect(event.pdu).not.toHaveProperty('room_id');
});
