import { describe, expect, it } from '@jest/globals';
import { authEventIds } from '@atoll/matrix';
import { supportedRoomVersions } from '../room-version-rules.js';
import { casesOf, MOD } from './auth-case.spec-support.js';
import {
  acceptedAuthEvents,
  type AuthEventsCase,
  referencesTo,
  rejectedAuthEvents,
  selectedFor,
} from './auth-events-cases.spec-support.js';
import { authTypesForEvent } from './auth-types-for-event.js';
import { checkAuthEvents } from './check-auth-events.js';
import { join, member } from './member-case.spec-support.js';
import { since, until } from './rule-number.spec-support.js';
import { CREATOR, type EventSketch, TestRoom } from './test-room.spec-support.js';

describe.each(supportedRoomVersions)('rules about auth_events in room version $version', (rules) => {
  function answerTo({ event: sketch, change }: AuthEventsCase): string | undefined {
    const room = new TestRoom(rules);
    const plain = room.event(sketch);
    const authEvents = change(selectedFor(plain, room), room);
    const event = { ...plain, pdu: { ...plain.pdu, auth_events: referencesTo(authEvents, room) } };
    expect(authEventIds(event.pdu)).toHaveLength(authEvents.length);
    return checkAuthEvents(event, authEvents, rules)?.rule;
  }

  it.each(casesOf(rejectedAuthEvents, rules.version))('rule $number rejects: $what', (one) => {
    expect(answerTo(one)).toBe(one.number);
  });

  it.each(casesOf(acceptedAuthEvents, rules.version))('rule $number lets pass: $what', (one) => {
    expect(answerTo(one)).toBeUndefined();
  });
});

const always = (...types: string[]) => [
  { rule: until(11, 'cited'), types: ['create', ...types] },
  { rule: since(12, 'implied'), types },
];
const own = (user: string) => ['power_levels', `member ${user}`];
const authoriser = { join_authorised_via_users_server: MOD };

const selections: readonly [what: string, EventSketch, ReturnType<typeof always>][] = [
  ['a message', {}, always(...own(CREATOR))],
  ['state', { type: 'm.room.topic', state_key: '' }, always(...own(CREATOR))],
  ['aliases', { type: 'm.room.aliases', state_key: 'one' }, always(...own(CREATOR))],
  ['a member event without state key', { type: 'm.room.member' }, always(...own(CREATOR))],
  ['a join', join(CREATOR), always(...own(CREATOR), 'join_rules')],
  ['a knock', member(MOD, MOD, 'knock'), always(...own(MOD), 'join_rules')],
  ['a kick', member(MOD, '@user:two', 'leave'), always(...own(MOD), 'member @user:two')],
  ['a ban', member(MOD, '@user:two', 'ban'), always(...own(MOD), 'member @user:two')],
  ['an invite', member(MOD, '@new:two', 'invite'), always(...own(MOD), 'member @new:two', 'join_rules')],
  [
    'a third-party invite',
    member(MOD, '@new:two', 'invite', { third_party_invite: { signed: { token: 't' } } }),
    always(...own(MOD), 'member @new:two', 'join_rules', 'third_party_invite t'),
  ],
  [
    'a third-party invite without token',
    member(MOD, '@new:two', 'invite', { third_party_invite: { signed: { token: 1 } } }),
    always(...own(MOD), 'member @new:two', 'join_rules'),
  ],
  [
    'a restricted join',
    join(CREATOR, authoriser),
    [
      { rule: until(7, 'cited'), types: ['create', ...own(CREATOR), 'join_rules'] },
      ...always(...own(CREATOR), 'join_rules', `member ${MOD}`).map(({ rule, types }) => ({
        rule: since(8, rule),
        types,
      })),
    ],
  ],
  ['a join that one authorises himself', join(MOD, authoriser), always(...own(MOD), 'join_rules')],
  [
    'a restricted join by nobody',
    join(CREATOR, { join_authorised_via_users_server: 1 }),
    always(...own(CREATOR), 'join_rules'),
  ],
  [
    'an authorised invite',
    member(MOD, '@new:two', 'invite', { join_authorised_via_users_server: '@x:two' }),
    always(...own(MOD), 'member @new:two', 'join_rules'),
  ],
];

describe.each(supportedRoomVersions)('selection of auth events in room version $version', (rules) => {
  const select = (sketch: EventSketch) =>
    authTypesForEvent(new TestRoom(rules).event(sketch).pdu, rules).map(([type, key]) =>
      `${type.replace('m.room.', '')} ${key}`.trim(),
    );

  it('names nothing for a create event', () => {
    expect(select({ type: 'm.room.create', state_key: '' })).toEqual([]);
  });

  it.each(selections)('names state for %s', (_what, sketch, expected) => {
    const [selection] = casesOf(expected, rules.version);
    expect(select(sketch)).toEqual(selection?.types);
  });
});
