import { describe, expect, it } from '@jest/globals';
import type { JsonObject, Pdu } from '@atoll/matrix';
import fc from 'fast-check';
import { supportedRoomVersions, type RoomVersionRules } from '../room-version-rules.js';
import { redactEvent } from './redact-event.js';
import { exactly, rulesFor, versions } from './test-event.spec-support.js';

const eventWith = (type: string, content: JsonObject, more: JsonObject = {}) =>
  ({ type, content, sender: '@a:x', signatures: { x: { 'ed25519:1': 's' } }, ...more }) as unknown as Pdu;
const redactedContent = (type: string, content: JsonObject, rules: RoomVersionRules) =>
  redactEvent(eventWith(type, content), rules).content;

/** A content that has every key that any event type keeps, and more. */
const everything: JsonObject = {
  ...{ membership: 'join', join_authorised_via_users_server: '@b:x', creator: '@a:x', join_rule: 'public' },
  ...{ allow: [], ban: 1, events: {}, events_default: 0, invite: 2, kick: 3, redact: 4, state_default: 5 },
  ...{ users: {}, users_default: 6, notifications: {}, history_visibility: 'shared', redacts: '$x' },
  ...{ third_party_invite: { display_name: 'secret', signed: { token: 't' } }, aliases: [] },
  ...{ room_version: '11', body: 'secret', reason: 'secret', predecessor: {}, additional_creators: [] },
};
const pick = (keys: string) =>
  Object.fromEntries(keys.split(' ').flatMap((key) => (key === '' ? [] : [[key, everything[key]]])));
const LEVELS = 'ban events events_default kick redact state_default users users_default';
const SIGNED = { third_party_invite: { signed: { token: 't' } } };

/** Without a list of their own; the last two would be found on a plain object. */
const NOT_LISTED = [
  'm.room.message',
  'm.room.name',
  'm.room.topic',
  'm.room.third_party_invite',
  'm.room.tombstone',
  'm.room.encryption',
  'm.room.server_acl',
  'm.room.guest_access',
  'm.room.canonical_alias',
  'constructor',
  '__proto__',
];

/** The lists on the pages of the room versions: what stays of a type, from which version on. */
const KEPT: Record<string, [from: number, kept: JsonObject][]> = {
  'm.room.member': [
    [1, pick('membership')],
    [9, pick('membership join_authorised_via_users_server')],
    [11, { ...pick('membership join_authorised_via_users_server'), ...SIGNED }],
  ],
  'm.room.create': [
    [1, pick('creator')],
    [11, everything],
  ],
  'm.room.join_rules': [
    [1, pick('join_rule')],
    [8, pick('join_rule allow')],
  ],
  'm.room.power_levels': [
    [1, pick(LEVELS)],
    [11, pick(`${LEVELS} invite`)],
  ],
  'm.room.aliases': [
    [1, pick('aliases')],
    [6, {}],
  ],
  'm.room.history_visibility': [[1, pick('history_visibility')]],
  'm.room.redaction': [
    [1, {}],
    [11, pick('redacts')],
  ],
};
const cases = supportedRoomVersions.flatMap(({ version }) => [
  ...Object.entries(KEPT).map(([type, lists]) => ({
    ...{ version, type },
    kept: lists.findLast(([from]) => from <= Number(version))?.[1],
  })),
  ...NOT_LISTED.map((type) => ({ version, type, kept: {} })),
]);

const ALWAYS_KEPT = {
  ...{ event_id: '$e', type: 'm.x', room_id: '!r:x', sender: '@a:x', state_key: '', content: {} },
  ...{ hashes: { sha256: 'h' }, depth: 1, prev_events: [], auth_events: [], origin_server_ts: 1 },
  signatures: { x: { 'ed25519:1': 's' } },
};
const KEPT_UNTIL_10 = { prev_state: [], origin: 'x', membership: 'join' };
const NEVER_KEPT = { redacts: '$r', unsigned: { age: 1 }, extra: true };

describe('redactEvent', () => {
  it.each(cases)('keeps of $type in room version $version what its page says', ({ version, type, kept }) => {
    expect(redactedContent(type, everything, rulesFor(version))).toEqual(kept);
  });

  it.each(supportedRoomVersions)('keeps the top-level keys of room version $version', (rules) => {
    const event = { ...NEVER_KEPT, ...KEPT_UNTIL_10, ...ALWAYS_KEPT } as unknown as Pdu;
    const old = Number(rules.version) <= 10;
    expect(redactEvent(event, rules)).toEqual({ ...ALWAYS_KEPT, ...(old && KEPT_UNTIL_10) });
  });

  it('keeps an invite object without signed, and no other third_party_invite', () => {
    const invite = (third_party_invite: JsonObject | string | null) => ({
      membership: 'invite',
      third_party_invite,
    });
    for (const rules of versions(11, 12)) {
      expect(redactedContent('m.room.member', invite({ display_name: 'x' }), rules)).toEqual(invite({}));
      for (const other of ['x', null]) {
        expect(redactedContent('m.room.member', invite(other), rules)).toEqual({ membership: 'invite' });
      }
    }
    for (const rules of versions(1, 10)) {
      expect(redactedContent('m.room.member', invite({ signed: {} }), rules)).toEqual({
        membership: 'invite',
      });
    }
  });

  it('keeps values as they are, whatever their type', () => {
    const content = { membership: { a: [null] } };
    const levels = { users: exactly('1.0'), ban: exactly('1e3'), notifications: exactly('1e3') };
    for (const rules of supportedRoomVersions) {
      expect(redactedContent('m.room.member', content, rules)).toEqual(content);
      expect(JSON.stringify(redactedContent('m.room.power_levels', levels, rules))).toBe(
        '{"ban":1e3,"users":1.0}',
      );
    }
  });

  it.each(supportedRoomVersions)('takes nothing from prototypes in room version $version', (rules) => {
    const content = JSON.parse(
      '{"__proto__":{"membership":"join","users":{},"creator":"@a:x"}}',
    ) as JsonObject;
    const inherited = Object.create({ membership: 'join', users: {}, creator: '@a:x' }) as JsonObject;
    for (const type of ['m.room.member', 'm.room.power_levels']) {
      expect(Object.keys(redactedContent(type, content, rules))).toEqual([]);
      expect(Object.keys(redactedContent(type, inherited, rules))).toEqual([]);
    }
  });

  it('leaves the event itself as it was', () => {
    for (const rules of supportedRoomVersions) {
      const event = eventWith('m.room.member', everything, { unsigned: { age: 1 } });
      redactEvent(event, rules);
      expect(event).toEqual(eventWith('m.room.member', everything, { unsigned: { age: 1 } }));
    }
  });

  it.each(supportedRoomVersions)('changes nothing the second time in room version $version', (rules) => {
    const type = fc.constantFrom(...Object.keys(KEPT), ...NOT_LISTED);
    const key = fc.oneof(
      fc.string(),
      fc.constantFrom(...Object.keys(everything), '__proto__', 'unsigned', 'origin'),
    );
    const content = fc.dictionary(key, fc.jsonValue()) as fc.Arbitrary<JsonObject>;
    fc.assert(
      fc.property(type, content, content, (name, inner, outer) => {
        const event = { ...eventWith(name, inner), ...outer, type: name, content: inner };
        const once = redactEvent(event, rules);
        expect(redactEvent(once, rules)).toEqual(once);
      }),
    );
  });
});
