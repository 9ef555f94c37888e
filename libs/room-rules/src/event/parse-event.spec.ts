import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue, Pdu } from '@atoll/matrix';
import fc from 'fast-check';
import { supportedRoomVersions, type RoomVersionRules } from '../room-version-rules.js';
import { checkEventSize } from './event-size.js';
import { parseEvent } from './parse-event.js';
import { eventJson, exactly, references, roomIdFor, rulesFor, versions } from './test-event.spec-support.js';

const HASH = 'h'.repeat(43);

const problemOf = (json: unknown, rules: RoomVersionRules) => {
  const result = parseEvent(json, rules);
  return 'problem' in result ? result.problem : undefined;
};
const characters = (count: number, before: string, after = '') =>
  before + 'é'.repeat(count - before.length - after.length) + after;

describe.each(supportedRoomVersions)('parseEvent in room version $version', (rules) => {
  const eventWith = (more: JsonObject = {}) => eventJson(rules, more);

  it('returns the event as it came, without unsigned, and leaves its argument alone', () => {
    const json = eventWith({ extra: { kept: true }, unsigned: { redacted_because: 'forged', age: 1.5 } });
    expect(parseEvent(json, rules)).toEqual({ event: eventWith({ extra: { kept: true } }) });
    expect(json).toHaveProperty('unsigned');
  });

  it.each<[string, JsonObject]>([
    ['type', { type: 1 }],
    ['type', { type: undefined }],
    ['type', { type: 'x'.repeat(256) }],
    ['sender', { sender: 'a:x.org' }],
    ['sender', { sender: '@a' }],
    ['sender', { sender: '@a:x.org:port' }],
    ['sender', { sender: '@a\0:x.org' }],
    ['sender', { sender: '@a\ud800:x.org' }],
    ['sender', { sender: `@${'a'.repeat(255)}:x.org` }],
    ['sender', { sender: ['@a:x.org'] }],
    ['state_key', { state_key: null }],
    ['state_key', { state_key: '日'.repeat(256) }],
    ['content', { content: [] }],
    ['content', { content: null }],
    ['content', { content: exactly('1.0') }],
    ['origin_server_ts', { origin_server_ts: 1.5 }],
    ['origin_server_ts', { origin_server_ts: '5' }],
    ['origin_server_ts', { origin_server_ts: undefined }],
    ['depth', { depth: -1 }],
    ['depth', { depth: 2 ** 53 }],
    ['depth', { depth: 0.5 }],
    ['depth', { depth: true }],
    ['depth', { depth: exactly('-0.0') }],
    ['prev_events', { prev_events: references(21, rules) }],
    ['prev_events', { prev_events: {} }],
    ['prev_events', { prev_events: [null] }],
    ['prev_events', { prev_events: undefined }],
    ['auth_events', { auth_events: references(11, rules) }],
    ['auth_events', { auth_events: '$x' }],
    ['hashes', { hashes: {} }],
    ['hashes', { hashes: [HASH] }],
    ['hashes', { hashes: { sha256: 1 } }],
    ['signatures', { signatures: [] }],
    ['signatures', { signatures: undefined }],
    ['signatures', { signatures: { 'x.org': 'x' } }],
    ['signatures', { signatures: { 'x.org': { 'ed25519:1': 1 } } }],
    ['signatures', { signatures: { 'x.org': exactly('1.0') } }],
    ['room_id', { room_id: undefined }],
    ['room_id', { room_id: '#r:x.org' }],
    ['room_id', { room_id: '!r:x\0.org' }],
    ['room_id', { room_id: { rawJSON: '!r:x.org' } }],
  ])('refuses a bad %s: %j', (field, more) => {
    expect(problemOf(eventWith(more), rules)).toMatch(new RegExp(`^${field} must`));
  });

  it.each<[string, JsonObject]>([
    ['255 bytes of type and state_key', { type: 'x'.repeat(255), state_key: '日'.repeat(85) }],
    [
      '20 previous and 10 auth events',
      { prev_events: references(20, rules), auth_events: references(10, rules) },
    ],
    ['the depth 2^53-1', { depth: 2 ** 53 - 1 }],
    ['the depth 0', { depth: 0 }],
    ['a time before 1970', { origin_server_ts: -1 }],
    ['a historical sender', { sender: '@Ünï côde!:x.org:8448' }],
    ['a sender at an address', { sender: '@:[::1]' }],
    ['no previous events', { prev_events: [], auth_events: [] }],
    ['no signatures', { signatures: {} }],
    ['U+0000, which only storage cannot hold', { type: 'a\0', state_key: '\0', content: { '\0': '\0' } }],
    ['more hashes', { hashes: { sha256: '', md5: 7 } }],
  ])('accepts %s', (_name, more) => {
    expect(problemOf(eventWith(more), rules)).toBeUndefined();
  });

  it('keeps keys that JavaScript gives a meaning as plain data', () => {
    const prefix = '{"__proto__":{"sender":"@evil:x.org"},"constructor":{"prototype":{}},"unsigned":{},';
    const text = JSON.stringify(eventWith()).replace('{', prefix);
    const result = parseEvent(JSON.parse(text), rules);
    expect(JSON.stringify(result)).toContain('"__proto__":{"sender":"@evil:x.org"}');
    expect(result).toHaveProperty('event.sender', '@a:alpha.org');
    const missing = JSON.parse('{"__proto__":{"type":"m.x"}}') as unknown;
    expect(problemOf(missing, rules)).toMatch(/^type/);
    expect(problemOf(Object.create(eventWith()), rules)).toMatch(/^type/);
  });

  it.each<[string, JsonObject]>([
    ['a lone surrogate', { content: { a: '\ud800' } }],
    ['a lone surrogate in a key', { content: { '\udc00': 1 } }],
    ['a lone surrogate in the type', { type: '\ud83d' }],
    ['deep nesting', { content: JSON.parse('{"a":'.repeat(3_000) + '1' + '}'.repeat(3_000)) as JsonObject }],
    ['an infinite number', { content: { a: Infinity } }],
  ])('refuses %s', (_name, more) => {
    expect(problemOf(eventWith(more), rules)).toBeDefined();
  });

  it('counts bytes, not characters, up to 65,536', () => {
    const room = 65_536 - Buffer.byteLength(JSON.stringify(eventWith({ content: { body: '' } })));
    const body = 'é'.repeat(room >> 1) + 'x'.repeat(room % 2);
    const fits = eventWith({ content: { body } });
    expect(problemOf(fits, rules)).toBeUndefined();
    expect(checkEventSize(fits as Pdu)).toBeUndefined();
    const tooLarge = eventWith({ content: { body: `${body}x` } });
    expect(problemOf(tooLarge, rules)).toMatch('65536');
    expect(checkEventSize(tooLarge as Pdu)).toMatch('65536');
    expect(problemOf({ ...fits, unsigned: { age: 1, more: 'x'.repeat(70_000) } }, rules)).toBeUndefined();
  });

  it('never throws', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
    });
    fc.assert(
      fc.property(anything, (json) => {
        expect(problemOf(json, rules)).toBeDefined();
      }),
    );
    const names = [...Object.keys(eventWith()), 'unsigned', 'state_key', 'redacts', '__proto__'];
    fc.assert(
      fc.property(fc.constantFrom(...names), anything, (name, value) => {
        expect(parseEvent({ ...eventWith(), [name]: value }, rules)).toBeDefined();
      }),
    );
  });
});

describe.each(versions(1, 2))('references and ids in room version $version', (rules) => {
  it.each<[string, JsonObject]>([
    ['event_id', { event_id: undefined }],
    ['event_id', { event_id: 7 }],
    ['event_id', { event_id: '$e' }],
    ['event_id', { event_id: 'e:x.org' }],
    ['event_id', { event_id: '$e:x.org:port' }],
    ['event_id', { event_id: '$e\0:x.org' }],
    ['event_id', { event_id: `$${'e'.repeat(250)}:x.org` }],
    ['prev_events', { prev_events: ['$x:x.org'] }],
    ['prev_events', { prev_events: [['$x:x.org']] }],
    ['prev_events', { prev_events: [['$x:x.org', {}, {}]] }],
    ['prev_events', { prev_events: [[{}, '$x:x.org']] }],
    ['prev_events', { prev_events: [['$x:x.org', HASH]] }],
    ['prev_events', { prev_events: [['$x:x.org', exactly('1.0')]] }],
    ['auth_events', { auth_events: [['x:x.org', {}]] }],
    ['auth_events', { auth_events: [[`$${'x'.repeat(250)}:x.org`, {}]] }],
  ])('refuses a bad %s: %j', (field, more) => {
    expect(problemOf(eventJson(rules, more), rules)).toMatch(new RegExp(`^${field} must`));
  });

  it('accepts pairs with any hashes, and ids of 255 characters everywhere', () => {
    const id = characters(255, '$', ':x.org');
    const pairs = [
      [id, { sha256: HASH }],
      ['$x:x.org', {}],
    ];
    expect(
      problemOf(eventJson(rules, { event_id: id, prev_events: pairs, auth_events: pairs }), rules),
    ).toBeUndefined();
  });
});

describe.each(versions(3, 12))('references and ids in room version $version', (rules) => {
  it.each<[string, JsonValue]>([
    ['a pair', ['$x:x.org', { sha256: HASH }]],
    ['no id', 'x'],
    ['nothing but a sigil', '$'],
    ['a long id', `$${'x'.repeat(255)}`],
    ['U+0000', '$x\0'],
  ])('refuses %s', (_name, reference) => {
    expect(problemOf(eventJson(rules, { prev_events: [reference] }), rules)).toMatch(/^prev_events must/);
    expect(problemOf(eventJson(rules, { auth_events: [reference] }), rules)).toMatch(/^auth_events must/);
  });

  it('accepts either alphabet of Base64, and an event_id that means nothing here', () => {
    const ids = ['$/+'.padEnd(44, 'a'), '$-_'.padEnd(44, 'a')];
    expect(problemOf(eventJson(rules, { prev_events: ids, event_id: 7 }), rules)).toBeUndefined();
  });
});

describe('field lengths', () => {
  const long: [string, string][] = [
    ['type', characters(255, 'm.')],
    ['state_key', '\u{1f600}'.repeat(255)],
    ['sender', characters(255, '@', ':x.org')],
    ['room_id', characters(255, '!', ':x.org')],
  ];
  const tooLong: [string, string][] = [
    ['type', characters(256, 'm.')],
    ['state_key', '\u{1f600}'.repeat(256)],
    ['sender', characters(256, '@', ':x.org')],
    ['room_id', characters(256, '!', ':x.org')],
  ];

  it.each(long)('allow %s 255 characters until room version 10, and 255 bytes from 11 on', (field, value) => {
    for (const rules of versions(1, 10)) {
      expect(problemOf(eventJson(rules, { [field]: value }), rules)).toBeUndefined();
    }
    for (const rules of versions(11, 12)) {
      expect(problemOf(eventJson(rules, { [field]: value }), rules)).toMatch(new RegExp(`^${field} must`));
    }
    expect(checkEventSize(eventJson(rulesFor('10'), { [field]: value }) as Pdu)).toBe(
      `${field} is longer than 255 bytes`,
    );
  });

  it.each(tooLong)('refuse %s of 256 characters in every version', (field, value) => {
    for (const rules of supportedRoomVersions) {
      expect(problemOf(eventJson(rules, { [field]: value }), rules)).toMatch(new RegExp(`^${field} must`));
    }
  });

  it('are held to bytes for events of this server in every version', () => {
    for (const [field, value] of Object.entries({
      type: 'x'.repeat(256),
      event_id: `$${'é'.repeat(126)}:xy`,
    })) {
      expect(checkEventSize(eventJson(rulesFor('1'), { [field]: value }) as Pdu)).toMatch(
        `${field} is longer`,
      );
    }
    expect(checkEventSize(eventJson(rulesFor('1'), { type: 'é'.repeat(127) }) as Pdu)).toBeUndefined();
  });
});

describe('what only some room versions read', () => {
  it('checks redacts until 10', () => {
    for (const rules of versions(1, 10)) {
      expect(problemOf(eventJson(rules, { redacts: '$x' }), rules)).toBeUndefined();
      expect(problemOf(eventJson(rules, { redacts: 7 }), rules)).toMatch(/^redacts/);
      expect(problemOf(eventJson(rules, { redacts: 'x'.repeat(256) }), rules)).toMatch(/^redacts/);
    }
    for (const rules of versions(11, 12)) {
      expect(problemOf(eventJson(rules, { redacts: 7 }), rules)).toBeUndefined();
    }
  });

  it('wants the room id form of the version', () => {
    for (const rules of supportedRoomVersions) {
      const other = roomIdFor(rulesFor(rules.roomIdIsCreateEventId ? '1' : '12'));
      expect(problemOf(eventJson(rules, { room_id: other }), rules)).toMatch(/^room_id must/);
    }
  });

  it('wants no room id on a create event of version 12, and one everywhere else', () => {
    for (const rules of supportedRoomVersions) {
      const create = eventJson(rules, { type: 'm.room.create', state_key: '' });
      const withoutRoom = eventJson(rules, { ...create, room_id: undefined });
      const [wrong, right] = rules.roomIdIsCreateEventId ? [create, withoutRoom] : [withoutRoom, create];
      expect(problemOf(wrong, rules)).toMatch(/^room_id/);
      expect(problemOf(right, rules)).toBeUndefined();
      const withoutKey = { ...right, state_key: undefined };
      expect(problemOf(withoutKey, rules)).toBe(
        rules.roomIdIsCreateEventId ? 'state_key must be empty on a create event' : undefined,
      );
    }
  });
});
