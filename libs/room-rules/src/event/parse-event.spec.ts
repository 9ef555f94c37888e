import { describe, expect, it } from '@jest/globals';
import type { JsonObject, Pdu } from '@atoll/matrix';
import fc from 'fast-check';
import { rulesOf, supportedRoomVersions, type RoomVersionRules } from '../room-version-rules.js';
import { checkEventSize } from './event-size.js';
import { parseEvent } from './parse-event.js';

const v10 = rulesOf('10') as RoomVersionRules;
const v11 = rulesOf('11') as RoomVersionRules;
const v12 = rulesOf('12') as RoomVersionRules;
const hash = 'h'.repeat(43);

const eventWith = (more: JsonObject = {}): JsonObject => ({
  ...{ type: 'm.room.message', room_id: '!r:x.org', sender: '@a:x.org', content: { body: 'hi' }, depth: 3 },
  ...{ origin_server_ts: 5, prev_events: [`$${hash}`], auth_events: [`$${hash}`], hashes: { sha256: hash } },
  ...{ signatures: { 'x.org': { 'ed25519:1': 's' } }, ...more },
});
const problemOf = (json: unknown, rules = v11) => {
  const result = parseEvent(json, rules);
  return 'problem' in result ? result.problem : undefined;
};
const ids = (count: number) => Array.from({ length: count }, (_item, index) => `$${index}`);

describe('parseEvent', () => {
  it('returns the event as it came, without unsigned, and leaves its argument alone', () => {
    const json = eventWith({ extra: { kept: true }, unsigned: { redacted_because: 'forged', age: 1.5 } });
    expect(parseEvent(json, v11)).toEqual({ event: eventWith({ extra: { kept: true } }) });
    expect(json).toHaveProperty('unsigned');
  });

  it('keeps keys that JavaScript gives a meaning as plain data', () => {
    const text = JSON.stringify(eventWith()).replace(
      '{',
      '{"__proto__":{"sender":"@evil:x.org"},"unsigned":{},',
    );
    const result = parseEvent(JSON.parse(text), v11);
    expect(JSON.stringify(result)).toContain('"__proto__":{"sender":"@evil:x.org"}');
    expect(result).toHaveProperty('event.sender', '@a:x.org');
    const missing = JSON.parse('{"__proto__":{"type":"m.x"}}') as unknown;
    expect(problemOf(missing)).toMatch(/^type/);
  });

  it.each<[string, JsonObject]>([
    ['type', { type: 1 }],
    ['type', { type: undefined }],
    ['type', { type: 'x'.repeat(256) }],
    ['type', { type: 'é'.repeat(128) }],
    ['sender', { sender: 'a:x.org' }],
    ['sender', { sender: '@a' }],
    ['sender', { sender: '@a:x.org:port' }],
    ['sender', { sender: `@${'a'.repeat(255)}:x.org` }],
    ['state_key', { state_key: null }],
    ['state_key', { state_key: '日'.repeat(86) }],
    ['content', { content: [] }],
    ['content', { content: null }],
    ['origin_server_ts', { origin_server_ts: 1.5 }],
    ['origin_server_ts', { origin_server_ts: '5' }],
    ['depth', { depth: -1 }],
    ['depth', { depth: 2 ** 53 }],
    ['depth', { depth: 0.5 }],
    ['prev_events', { prev_events: ids(21) }],
    ['prev_events', { prev_events: [['$x', {}]] }],
    ['prev_events', { prev_events: {} }],
    ['auth_events', { auth_events: ids(11) }],
    ['auth_events', { auth_events: [`$${'x'.repeat(255)}`] }],
    ['auth_events', { auth_events: ['x'] }],
    ['hashes', { hashes: {} }],
    ['hashes', { hashes: { sha256: 1 } }],
    ['signatures', { signatures: [] }],
    ['signatures', { signatures: { 'x.org': 'x' } }],
    ['signatures', { signatures: { 'x.org': { 'ed25519:1': 1 } } }],
    ['room_id', { room_id: undefined }],
    ['room_id', { room_id: '#r:x.org' }],
    ['room_id', { room_id: `!${hash}` }],
  ])('refuses a bad %s: %j', (field, more) => {
    expect(problemOf(eventWith(more))).toMatch(new RegExp(`^${field} must`));
  });

  it.each<[string, JsonObject]>([
    ['255 bytes of type and state_key', { type: 'x'.repeat(255), state_key: '日'.repeat(85) }],
    ['20 previous and 10 auth events', { prev_events: ids(20), auth_events: ids(10) }],
    ['the greatest depth', { depth: 2 ** 53 - 1 }],
    ['a historical sender', { sender: '@Ünï côde!:x.org:8448' }],
    ['no previous events', { prev_events: [], auth_events: [] }],
    ['a redacts that means nothing here', { redacts: 7 }],
  ])('accepts %s', (_name, more) => {
    expect(problemOf(eventWith(more))).toBeUndefined();
  });

  it('checks redacts where the room version reads it', () => {
    expect(problemOf(eventWith({ redacts: '$x' }), v10)).toBeUndefined();
    expect(problemOf(eventWith({ redacts: 7 }), v10)).toMatch(/^redacts/);
  });

  it('wants the room id form of room version 12, and none on its create event', () => {
    const create = eventWith({ type: 'm.room.create', state_key: '', room_id: undefined });
    expect(problemOf(eventWith({ room_id: `!${hash}` }), v12)).toBeUndefined();
    expect(problemOf(eventWith(), v12)).toMatch(/^room_id/);
    expect(problemOf(create, v12)).toBeUndefined();
    expect(problemOf({ ...create, state_key: undefined }, v12)).toMatch(/^state_key/);
    expect(problemOf({ ...create, room_id: `!${hash}` }, v12)).toMatch(/^room_id/);
  });

  it.each<[string, JsonObject]>([
    ['a float', { content: { a: 0.1 } }],
    ['a great integer', { content: { a: [1e20] } }],
    ['a lone surrogate', { content: { a: '\ud800' } }],
    ['a float outside the content', { extra: 0.5 }],
    ['deep nesting', { content: JSON.parse('{"a":'.repeat(3_000) + '1' + '}'.repeat(3_000)) as JsonObject }],
  ])('refuses %s', (_name, more) => {
    expect(problemOf(eventWith(more))).toBeDefined();
  });

  it('counts bytes, not characters, up to 65,536', () => {
    const room = 65_536 - Buffer.byteLength(JSON.stringify(eventWith({ content: { body: '' } })));
    const fits = eventWith({ content: { body: 'é'.repeat(room / 2) + 'x'.repeat(room % 2) } });
    expect(problemOf(fits)).toBeUndefined();
    expect(checkEventSize(fits as Pdu)).toBeUndefined();
    const tooLarge = eventWith({ content: { body: 'é'.repeat(room / 2) + 'xx' } });
    expect(problemOf(tooLarge)).toMatch('65536');
    expect(checkEventSize(tooLarge as Pdu)).toMatch('65536');
    expect(problemOf({ ...fits, unsigned: { age: 1 } })).toBeUndefined();
  });

  it('never throws', () => {
    const rules = fc.constantFrom(...supportedRoomVersions);
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true }),
        rules,
        (json, version) => {
          expect(problemOf(json, version)).toBeDefined();
        },
      ),
    );
    const field = fc.constantFrom(
      ...Object.keys(eventWith()),
      'unsigned',
      'state_key',
      'redacts',
      '__proto__',
    );
    fc.assert(
      fc.property(
        field,
        fc.anything({ withBigInt: true, withNullPrototype: true }),
        rules,
        (name, value, version) => {
          expect(parseEvent({ ...eventWith(), [name]: value }, version)).toBeDefined();
        },
      ),
    );
  });
});

describe('checkEventSize', () => {
  it.each([
    { type: 'x'.repeat(256) },
    { state_key: '日'.repeat(86) },
    { sender: `@${'a'.repeat(255)}:x` },
    { room_id: `!${'a'.repeat(255)}:x` },
  ])('names the field that is too long: %#', (more) => {
    expect(checkEventSize(eventWith(more) as Pdu)).toMatch(
      new RegExp(`^${Object.keys(more)[0] ?? ''} is longer`),
    );
  });
});
