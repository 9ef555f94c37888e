import type { JsonObject } from '@atoll/matrix';
import { ADMIN, type AuthCase, both, MOD, over, USER } from './auth-case.spec-support.js';
import { CREATOR, type EventSketch, type StateChanges } from './test-room.spec-support.js';

const member = (sender: string, target: string, membership: string, more: JsonObject = {}): EventSketch => ({
  type: 'm.room.member',
  sender,
  state_key: target,
  content: { membership, ...more },
});
const join = (user: string, more: JsonObject = {}) => member(user, user, 'join', more);
const joinRule = (rule: string): StateChanges => [
  ['m.room.join_rules', '', { content: { join_rule: rule } }],
];
const restricted = (authoriser: string) =>
  join('@left:two', { join_authorised_via_users_server: authoriser });

export const rejectedMembers: readonly AuthCase[] = [
  {
    rule: both('4.1', '5.1'),
    what: 'member without state key',
    event: { ...join(USER), state_key: undefined },
  },
  { rule: both('4.1', '5.1'), what: 'member without membership', event: { ...join(USER), content: {} } },
  { rule: both('4.3.2', '5.3.2'), what: 'join of another user', event: member(CREATOR, USER, 'join') },
  {
    rule: both('4.3.3', '5.3.3'),
    what: 'join while banned',
    event: join('@banned:two'),
    state: joinRule('public'),
  },
  { rule: both('4.3.7', '5.3.7'), what: 'join without invite', event: join('@left:two') },
  {
    rule: both('4.3.7', '5.3.7'),
    what: 'join while knocking',
    event: join('@knocker:two'),
    state: joinRule('knock'),
  },
  {
    rule: both('4.3.7', '5.3.7'),
    what: 'join by an unknown rule',
    event: join('@new:two'),
    state: joinRule('private'),
  },
  {
    rule: both('4.3.7', '5.3.7'),
    what: 'join when the join rule is no string',
    event: join('@invited:two'),
    state: [['m.room.join_rules', '', { content: { join_rule: ['public'] } }]],
  },
  {
    rule: both('4.3.7', '5.3.7'),
    what: 'join of the creator after more than the create event',
    event: { ...join(CREATOR), prev_events: ['$create', '$x'] },
    state: [['m.room.member', CREATOR, undefined]],
  },
  ...(['restricted', 'knock_restricted'] as const).flatMap((rule): AuthCase[] => [
    {
      rule: both('4.3.5.2', '5.3.5.2'),
      what: `${rule} without authoriser`,
      event: join('@new:two'),
      state: joinRule(rule),
    },
    {
      rule: both('4.3.5.2', '5.3.5.2'),
      what: `${rule} by one below the invite level`,
      event: restricted(USER),
      state: joinRule(rule),
    },
    {
      rule: both('4.3.5.2', '5.3.5.2'),
      what: `${rule} by one who left`,
      event: restricted('@left:two'),
      state: joinRule(rule),
    },
  ]),
  {
    rule: both('4.4.2', '5.4.2'),
    what: 'invite by one who left',
    event: member('@left:two', '@new:two', 'invite'),
  },
  { rule: both('4.4.3', '5.4.3'), what: 'invite of a member', event: member(CREATOR, USER, 'invite') },
  {
    rule: both('4.4.3', '5.4.3'),
    what: 'invite of a banned user',
    event: member(CREATOR, '@banned:two', 'invite'),
  },
  {
    rule: both('4.4.5', '5.4.5'),
    what: 'invite below the invite level',
    event: member(USER, '@new:two', 'invite'),
  },
  {
    rule: both('4.5.1', '5.5.1'),
    what: 'leave after leaving',
    event: member('@left:two', '@left:two', 'leave'),
  },
  {
    rule: both('4.5.1', '5.5.1'),
    what: 'leave while banned',
    event: member('@banned:two', '@banned:two', 'leave'),
  },
  {
    rule: both('4.5.2', '5.5.2'),
    what: 'kick by an invited user',
    event: member('@invited:two', USER, 'leave'),
  },
  {
    rule: both('4.5.3', '5.5.3'),
    what: 'unban below the ban level',
    event: member(MOD, '@banned:two', 'leave'),
    state: over({ ban: 60 }),
  },
  {
    rule: both('4.5.5', '5.5.5'),
    what: 'kick below the kick level',
    event: member(USER, '@invited:two', 'leave'),
  },
  {
    rule: both('4.5.5', '5.5.5'),
    what: 'kick of one with the same level',
    event: member(MOD, USER, 'leave'),
    state: over({ users: { [MOD]: 50, [USER]: 50 } }),
  },
  {
    rule: both('4.5.5', '5.5.5'),
    what: 'unban below the kick level',
    event: member(MOD, '@banned:two', 'leave'),
    state: over({ kick: 60 }),
  },
  { rule: ['-', '-', '5.5.5'], what: 'kick of the creator', event: member(ADMIN, CREATOR, 'leave') },
  { rule: both('4.6.1', '5.6.1'), what: 'ban by one who left', event: member('@left:two', USER, 'ban') },
  { rule: both('4.6.3', '5.6.3'), what: 'ban below the ban level', event: member(USER, '@new:two', 'ban') },
  { rule: both('4.6.3', '5.6.3'), what: 'ban of one above', event: member(MOD, ADMIN, 'ban') },
  {
    rule: both('4.7.1', '5.7.1'),
    what: 'knock at an invite-only room',
    event: member('@new:two', '@new:two', 'knock'),
  },
  {
    rule: both('4.7.2', '5.7.2'),
    what: 'knock for another user',
    event: member(USER, '@new:two', 'knock'),
    state: joinRule('knock'),
  },
  ...['@banned:two', '@invited:two', USER].map((user): AuthCase => ({
    rule: both('4.7.4', '5.7.4'),
    what: `knock of ${user}`,
    event: member(user, user, 'knock'),
    state: joinRule('knock_restricted'),
  })),
  { rule: both('4.8', '5.8'), what: 'an unknown membership', event: member(USER, USER, 'gone') },
  {
    rule: both('4.8', '5.8'),
    what: 'a membership that is no string',
    event: { ...join(USER), content: { membership: ['join'] } },
  },
];

export const acceptedMembers: readonly AuthCase[] = [
  {
    rule: both('4.3.1', '5.3.1'),
    what: 'the creator joins first',
    event: { ...join(CREATOR), prev_events: ['$create'] },
    state: [['m.room.member', CREATOR, undefined]],
  },
  { rule: both('4.3.4', '5.3.4'), what: 'an invited user joins', event: join('@invited:two') },
  { rule: both('4.3.4', '5.3.4'), what: 'a member joins again', event: join(USER), state: joinRule('knock') },
  {
    rule: both('4.3.4', '5.3.4'),
    what: 'an invited user joins where no join rule is set',
    event: join('@invited:two'),
    state: [['m.room.join_rules', '', undefined]],
  },
  {
    rule: both('4.3.5.1', '5.3.5.1'),
    what: 'an invited user joins a restricted room',
    event: join('@invited:two'),
    state: joinRule('restricted'),
  },
  {
    rule: both('4.3.5.1', '5.3.5.1'),
    what: 'an invited user joins a knock_restricted room',
    event: join('@invited:two'),
    state: joinRule('knock_restricted'),
  },
  {
    rule: both('4.3.5.3', '5.3.5.3'),
    what: 'an authorised user joins',
    event: restricted(MOD),
    state: joinRule('knock_restricted'),
  },
  {
    rule: both('4.3.6', '5.3.6'),
    what: 'anybody joins a public room',
    event: join('@new:two'),
    state: joinRule('public'),
  },
  { rule: both('4.4.4', '5.4.4'), what: 'invite', event: member(MOD, '@left:two', 'invite') },
  {
    rule: both('4.4.4', '5.4.4'),
    what: 'invite of one who knocks',
    event: member(MOD, '@knocker:two', 'invite'),
  },
  ...[USER, '@invited:two', '@knocker:two'].map((user): AuthCase => ({
    rule: both('4.5.1', '5.5.1'),
    what: `leave of ${user}`,
    event: member(user, user, 'leave'),
  })),
  { rule: both('4.5.4', '5.5.4'), what: 'kick', event: member(MOD, USER, 'leave') },
  { rule: both('4.5.4', '5.5.4'), what: 'unban', event: member(MOD, '@banned:two', 'leave') },
  {
    rule: ['-', '-', '5.5.4'],
    what: 'the creator kicks the highest',
    event: member(CREATOR, ADMIN, 'leave'),
    state: over({ users: { [ADMIN]: Number.MAX_SAFE_INTEGER }, kick: Number.MAX_SAFE_INTEGER }),
  },
  { rule: both('4.6.2', '5.6.2'), what: 'ban', event: member(MOD, '@new:two', 'ban') },
  {
    rule: both('4.7.3', '5.7.3'),
    what: 'knock',
    event: member('@left:two', '@left:two', 'knock'),
    state: joinRule('knock'),
  },
  {
    rule: both('4.7.3', '5.7.3'),
    what: 'knock again',
    event: member('@knocker:two', '@knocker:two', 'knock'),
    state: joinRule('knock_restricted'),
  },
];
