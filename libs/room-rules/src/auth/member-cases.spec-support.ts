import { ADMIN, type AuthCase, MOD, over, USER } from './auth-case.spec-support.js';
import { join, joinRule, member } from './member-case.spec-support.js';
import * as rule from './rule-number.spec-support.js';
import { since, until, within } from './rule-number.spec-support.js';
import { CREATOR } from './test-room.spec-support.js';

const HIGHEST = Number.MAX_SAFE_INTEGER;
const knock = (user: string) => member(user, user, 'knock');

export const rejectedMembers: readonly AuthCase[] = [
  {
    rule: rule.member('1'),
    what: 'member without state key',
    event: { ...join(USER), state_key: undefined },
  },
  { rule: rule.member('1'), what: 'member without membership', event: { ...join(USER), content: {} } },

  ...['@left:two', '@invited:two', '@new:two'].map((sender): AuthCase => ({
    rule: rule.invite('2'),
    what: `invite by ${sender}`,
    event: member(sender, '@other:two', 'invite'),
    state: over({ invite: 0 }),
  })),
  { rule: rule.invite('3'), what: 'invite of a member', event: member(CREATOR, USER, 'invite') },
  {
    rule: rule.invite('3'),
    what: 'invite of a banned user',
    event: member(CREATOR, '@banned:two', 'invite'),
  },
  {
    rule: rule.invite('5'),
    what: 'invite below the invite level',
    event: member(USER, '@new:two', 'invite'),
  },

  ...['@left:two', '@banned:two', '@new:two'].map((user): AuthCase => ({
    rule: rule.leave('1'),
    what: `leave of ${user}`,
    event: member(user, user, 'leave'),
  })),
  {
    rule: until(6, rule.leave('1')),
    what: 'withdrawal of what no knock can have been',
    event: member('@knocker:two', '@knocker:two', 'leave'),
  },
  {
    rule: rule.leave('2'),
    what: 'kick by an invited user',
    event: member('@invited:two', USER, 'leave'),
  },
  {
    rule: rule.leave('3'),
    what: 'unban below the ban level',
    event: member(MOD, '@banned:two', 'leave'),
    state: over({ ban: 60 }),
  },
  {
    rule: rule.leave('5'),
    what: 'kick below the kick level',
    event: member(USER, '@invited:two', 'leave'),
  },
  {
    rule: rule.leave('5'),
    what: 'kick of one with the same level',
    event: member(MOD, USER, 'leave'),
    state: over({ users: { [MOD]: 50, [USER]: 50 } }),
  },
  {
    rule: rule.leave('5'),
    what: 'unban below the kick level',
    event: member(MOD, '@banned:two', 'leave'),
    state: over({ kick: 60 }),
  },
  {
    rule: rule.leave('5'),
    what: 'unban of one with the same level',
    event: member(MOD, '@banned:two', 'leave'),
    state: over({ users: { [MOD]: 50, '@banned:two': 50 } }),
  },
  { rule: rule.leave('5'), what: 'kick of the creator', event: member(ADMIN, CREATOR, 'leave') },
  {
    rule: since(12, rule.leave('5')),
    what: 'kick of one creator by another',
    event: member(USER, CREATOR, 'leave'),
    state: [['m.room.create', '', { content: { additional_creators: [USER] } }]],
  },

  { rule: rule.ban('1'), what: 'ban by one who left', event: member('@left:two', USER, 'ban') },
  { rule: rule.ban('3'), what: 'ban below the ban level', event: member(USER, '@new:two', 'ban') },
  { rule: rule.ban('3'), what: 'ban of one above', event: member(MOD, ADMIN, 'ban') },
  {
    rule: rule.ban('3'),
    what: 'ban of one with the same level',
    event: member(MOD, USER, 'ban'),
    state: over({ users: { [MOD]: 50, [USER]: 50 } }),
  },
  { rule: rule.ban('3'), what: 'ban of the creator', event: member(ADMIN, CREATOR, 'ban') },

  ...['invite', 'public', 'private', 'restricted'].map((name): AuthCase => ({
    rule: rule.knock('1'),
    what: `knock where the join rule is ${name}`,
    event: knock('@new:two'),
    state: joinRule(name),
  })),
  {
    rule: within(7, 9, rule.knock('1')),
    what: 'knock where the join rule is the later knock_restricted',
    event: knock('@new:two'),
    state: joinRule('knock_restricted'),
  },
  {
    rule: rule.knock('1'),
    what: 'knock where no join rule is set',
    event: knock('@new:two'),
    state: [['m.room.join_rules', '', undefined]],
  },
  {
    rule: rule.knock('2'),
    what: 'knock for another user',
    event: member(USER, '@new:two', 'knock'),
    state: joinRule('knock'),
  },
  ...['@banned:two', '@invited:two', USER].flatMap((user): AuthCase[] => [
    { rule: rule.knock('4'), what: `knock of ${user}`, event: knock(user), state: joinRule('knock') },
    {
      rule: since(10, rule.knock('4')),
      what: `knock of ${user} at a knock_restricted room`,
      event: knock(user),
      state: joinRule('knock_restricted'),
    },
  ]),

  {
    rule: until(6, rule.unknownMembership),
    what: 'a knock in a version without knocking',
    event: knock('@new:two'),
    state: joinRule('knock'),
  },
  { rule: rule.unknownMembership, what: 'an unknown membership', event: member(USER, USER, 'gone') },
  ...[['join'], null, 1, ''].map((membership): AuthCase => ({
    rule: rule.unknownMembership,
    what: `the membership ${JSON.stringify(membership)}`,
    event: { ...join(USER), content: { membership } },
  })),
];

export const acceptedMembers: readonly AuthCase[] = [
  ...['@left:two', '@new:two', '@invited:two', '@knocker:two'].map((user): AuthCase => ({
    rule: rule.invite('4'),
    what: `invite of ${user}`,
    event: member(MOD, user, 'invite'),
  })),
  {
    rule: rule.invite('4'),
    what: 'invite by anybody where the invite level is not set',
    event: member(USER, '@new:two', 'invite'),
    state: over({ invite: undefined }),
  },
  {
    rule: since(12, rule.invite('4')),
    what: 'invite by the creator above every level',
    event: member(CREATOR, '@new:two', 'invite'),
    state: over({ invite: HIGHEST }),
  },

  ...[USER, '@invited:two'].map((user): AuthCase => ({
    rule: rule.leave('1'),
    what: `leave of ${user}`,
    event: member(user, user, 'leave'),
  })),
  {
    rule: since(7, rule.leave('1')),
    what: 'withdrawal of a knock',
    event: member('@knocker:two', '@knocker:two', 'leave'),
  },
  ...[USER, '@invited:two', '@knocker:two', '@banned:two', '@left:two', '@new:two'].map((user): AuthCase => ({
    rule: rule.leave('4'),
    what: `kick or unban of ${user}`,
    event: member(MOD, user, 'leave'),
  })),
  {
    rule: since(12, rule.leave('4')),
    what: 'kick of the highest by the creator',
    event: member(CREATOR, ADMIN, 'leave'),
    state: over({ users: { [ADMIN]: HIGHEST }, kick: HIGHEST }),
  },

  ...[USER, '@invited:two', '@new:two', '@banned:two'].map((user): AuthCase => ({
    rule: rule.ban('2'),
    what: `ban of ${user}`,
    event: member(MOD, user, 'ban'),
  })),

  ...['@left:two', '@new:two', '@knocker:two'].flatMap((user): AuthCase[] => [
    { rule: rule.knock('3'), what: `knock of ${user}`, event: knock(user), state: joinRule('knock') },
    {
      rule: since(10, rule.knock('3')),
      what: `knock of ${user} at a knock_restricted room`,
      event: knock(user),
      state: joinRule('knock_restricted'),
    },
  ]),
];
