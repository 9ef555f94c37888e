import { describe, expect, it } from '@jest/globals';
import type { JsonObject, Pdu } from '@atoll/matrix';
import fc from 'fast-check';
import { rulesOf, supportedRoomVersions, type RoomVersionRules } from '../room-version-rules.js';
import { redactEvent } from './redact-event.js';

const v10 = rulesOf('10') as RoomVersionRules;
const v11 = rulesOf('11') as RoomVersionRules;
const v12 = rulesOf('12') as RoomVersionRules;

const eventWith = (type: string, content: JsonObject, more: JsonObject = {}) =>
  ({ type, content, sender: '@a:x', signatures: { x: { 'ed25519:1': 's' } }, ...more }) as unknown as Pdu;
const redactedContent = (type: string, content: JsonObject, rules: RoomVersionRules) =>
  redactEvent(eventWith(type, content), rules).content;

/** A content that has every key that any event type keeps, and more. */
const everything: JsonObject = {
  ...{ membership: 'join', join_authorised_via_users_server: '@b:x', creator: '@a:x', join_rule: 'public' },
  ...{ allow: [], ban: 1, events: {}, events_default: 0, invite: 2, kick: 3, redact: 4, state_default: 5 },
  ...{
    users: {},
    users_default: 6,
    notifications: {},
    history_visibility: 'shared',
    redacts: '$x',
    body: 'secret',
  },
  ...{
    third_party_invite: { display_name: 'secret', signed: { token: 't' } },
    aliases: [],
    room_version: '11',
  },
};
const pick = (...keys: string[]) => Object.fromEntries(keys.map((key) => [key, everything[key]]));
const levels = [
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
];

describe('redactEvent', () => {
  it.each([
    ['m.room.member', pick('membership', 'join_authorised_via_users_server')],
    ['m.room.create', pick('creator')],
    ['m.room.join_rules', pick('join_rule', 'allow')],
    ['m.room.power_levels', pick(...levels)],
    ['m.room.history_visibility', pick('history_visibility')],
    ['m.room.redaction', {}],
    ['m.room.aliases', {}],
    ['m.room.message', {}],
    ['constructor', {}],
  ])('keeps of %s in room version 10 what the list says', (type, expected) => {
    expect(redactedContent(type, everything, v10)).toEqual(expected);
  });

  it.each([
    [
      'm.room.member',
      {
        ...pick('membership', 'join_authorised_via_users_server'),
        third_party_invite: { signed: { token: 't' } },
      },
    ],
    ['m.room.create', everything],
    ['m.room.join_rules', pick('join_rule', 'allow')],
    ['m.room.power_levels', pick(...levels, 'invite')],
    ['m.room.history_visibility', pick('history_visibility')],
    ['m.room.redaction', pick('redacts')],
    ['m.room.message', {}],
  ])('keeps of %s in room versions 11 and 12 what the list says', (type, expected) => {
    expect(redactedContent(type, everything, v11)).toEqual(expected);
    expect(redactedContent(type, everything, v12)).toEqual(expected);
  });

  it('keeps the same top-level keys as the list', () => {
    const kept = {
      ...{ event_id: '$e', type: 'm.x', room_id: '!r:x', sender: '@a:x', state_key: '', content: {} },
      ...{ hashes: { sha256: 'h' }, depth: 1, prev_events: [], auth_events: [], origin_server_ts: 1 },
      signatures: { x: { 'ed25519:1': 's' } },
    };
    const untilVersion10 = { prev_state: [], origin: 'x', membership: 'join' };
    const never = { redacts: '$r', unsigned: { age: 1 }, extra: true };
    const event = { ...kept, ...untilVersion10, ...never } as unknown as Pdu;
    expect(redactEvent(event, v10)).toEqual({ ...kept, ...untilVersion10 });
    expect(redactEvent(event, v11)).toEqual(kept);
  });

  it('keeps an invite object without signed, and no other third_party_invite', () => {
    const invite = (third_party_invite: JsonObject | string) => ({
      membership: 'invite',
      third_party_invite,
    });
    expect(redactedContent('m.room.member', invite({ display_name: 'x' }), v11)).toEqual(invite({}));
    expect(redactedContent('m.room.member', invite('x'), v11)).toEqual({ membership: 'invite' });
  });

  it('leaves the event itself as it was', () => {
    const event = eventWith('m.room.message', { body: 'x' }, { unsigned: { age: 1 } });
    redactEvent(event, v11);
    expect(event).toEqual(eventWith('m.room.message', { body: 'x' }, { unsigned: { age: 1 } }));
  });

  it('changes nothing the second time', () => {
    const type = fc.constantFrom('m.room.member', 'm.room.create', 'm.room.power_levels', 'm.x', '__proto__');
    const key = fc.oneof(
      fc.string(),
      fc.constantFrom(...Object.keys(everything), '__proto__', 'unsigned', 'origin'),
    );
    const content = fc.dictionary(key, fc.jsonValue()) as fc.Arbitrary<JsonObject>;
    fc.assert(
      fc.property(
        type,
        content,
        content,
        fc.constantFrom(...supportedRoomVersions),
        (name, inner, outer, rules) => {
          const event = { ...eventWith(name, inner), ...outer, type: name, content: inner };
          const once = redactEvent(event, rules);
          expect(redactEvent(once, rules)).toEqual(once);
        },
      ),
    );
  });
});
