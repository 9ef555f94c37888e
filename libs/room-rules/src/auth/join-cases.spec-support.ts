import { type AuthCase, MOD, over, USER } from './auth-case.spec-support.js';
import { join, joinRule, member } from './member-case.spec-support.js';
import * as rule from './rule-number.spec-support.js';
import { since, until } from './rule-number.spec-support.js';
import { CREATOR, type StateChanges } from './test-room.spec-support.js';

const restricted = (authoriser: unknown) =>
  join('@left:two', { join_authorised_via_users_server: authoriser as string });
/** A join that follows the create event alone. */
const first = (user: string) => ({ ...join(user), prev_events: ['$create'] });
const nobodyYet: StateChanges = [CREATOR, MOD, USER].map((user) => ['m.room.member', user, undefined]);
const created = (content: Record<string, string | string[]>): StateChanges => [
  ...nobodyYet,
  ['m.room.create', '', { content }],
];

/** Join rules with the version that brought them: before, they are as good as unknown. */
const LATER_RULES = [
  ['knock', 7],
  ['restricted', 8],
  ['knock_restricted', 10],
] as const;
const RESTRICTED_RULES = [
  ['restricted', 8],
  ['knock_restricted', 10],
] as const;

export const rejectedJoins: readonly AuthCase[] = [
  { rule: rule.join('2'), what: 'join of another user', event: member(CREATOR, USER, 'join') },
  {
    rule: rule.join('2'),
    what: 'join of another user into a public room',
    event: member(CREATOR, '@new:two', 'join'),
    state: joinRule('public'),
  },
  {
    rule: rule.join('3'),
    what: 'join while banned',
    event: join('@banned:two'),
    state: joinRule('public'),
  },
  { rule: rule.otherJoin, what: 'join without invite', event: join('@left:two') },
  { rule: rule.otherJoin, what: 'join of a stranger', event: join('@new:two') },
  {
    rule: rule.otherJoin,
    what: 'join while knocking',
    event: join('@knocker:two'),
    state: joinRule('knock'),
  },
  {
    rule: rule.otherJoin,
    what: 'join without invite where no join rule is set',
    event: join('@new:two'),
    state: [['m.room.join_rules', '', undefined]],
  },
  ...['@new:two', '@invited:two', USER].map((user): AuthCase => ({
    rule: rule.otherJoin,
    what: `join of ${user} by an unknown rule`,
    event: join(user),
    state: joinRule('private'),
  })),
  {
    rule: rule.otherJoin,
    what: 'join when the join rule is no string',
    event: join('@invited:two'),
    state: [['m.room.join_rules', '', { content: { join_rule: ['public'] } }]],
  },
  {
    rule: rule.otherJoin,
    what: 'join of the creator after more than the create event',
    event: { ...join(CREATOR), prev_events: ['$create', '$x'] },
    state: nobodyYet,
  },
  {
    rule: rule.otherJoin,
    what: 'join of the creator after another event than the create event',
    event: { ...join(CREATOR), prev_events: ['$x'] },
    state: nobodyYet,
  },
  { rule: rule.otherJoin, what: 'a first join of another user', event: first(MOD), state: nobodyYet },
  {
    rule: until(10, rule.otherJoin),
    what: 'a first join of the sender of a create event that names another creator',
    event: first(CREATOR),
    state: created({ creator: MOD }),
  },
  {
    rule: since(11, rule.otherJoin),
    what: 'a first join of one whom the content calls the creator',
    event: first(MOD),
    state: created({ creator: MOD }),
  },
  {
    rule: rule.otherJoin,
    what: 'a first join of an additional creator',
    event: first(USER),
    state: created({ creator: CREATOR, additional_creators: [USER] }),
  },

  ...LATER_RULES.flatMap(([name, version]): AuthCase[] => [
    ...['@invited:two', USER].map((user) => ({
      rule: until(version - 1, rule.otherJoin),
      what: `join of ${user} by the later rule ${name}`,
      event: join(user),
      state: joinRule(name),
    })),
    {
      rule: until(version - 1, rule.otherJoin),
      what: `an authorised join by the later rule ${name}`,
      event: restricted(MOD),
      state: joinRule(name),
    },
  ]),
  ...(['invite', 'knock'] as const).map((name): AuthCase => ({
    rule: rule.otherJoin,
    what: `an authorised join by the rule ${name}`,
    event: restricted(MOD),
    state: joinRule(name),
  })),
  ...RESTRICTED_RULES.flatMap(([name, version]): AuthCase[] =>
    [undefined, 7, '@new:two', '@left:two', '@banned:two', '@invited:two', USER].map((authoriser) => ({
      rule: since(version, rule.restrictedJoin('2')),
      what: `${name} join authorised by ${authoriser}`,
      event: restricted(authoriser),
      state: joinRule(name),
    })),
  ),
];

export const acceptedJoins: readonly AuthCase[] = [
  { rule: rule.join('1'), what: 'the creator joins first', event: first(CREATOR), state: nobodyYet },
  {
    rule: rule.join('1'),
    what: 'the creator joins first whatever the join rule',
    event: first(CREATOR),
    state: [...nobodyYet, ...joinRule('private')],
  },
  {
    rule: until(10, rule.join('1')),
    what: 'the creator whom the content names joins first',
    event: first(MOD),
    state: created({ creator: MOD }),
  },
  {
    rule: since(11, rule.join('1')),
    what: 'the sender of a create event that names another creator joins first',
    event: first(CREATOR),
    state: created({ creator: MOD }),
  },
  { rule: rule.join('4'), what: 'an invited user joins', event: join('@invited:two') },
  { rule: rule.join('4'), what: 'a member joins again', event: join(USER) },
  {
    rule: rule.join('4'),
    what: 'an invited user joins where no join rule is set',
    event: join('@invited:two'),
    state: [['m.room.join_rules', '', undefined]],
  },
  ...['@invited:two', USER].flatMap((user): AuthCase[] => [
    {
      rule: since(7, rule.join('4')),
      what: `${user} joins a room with knocking`,
      event: join(user),
      state: joinRule('knock'),
    },
    ...RESTRICTED_RULES.map(([name, version]) => ({
      rule: since(version, rule.restrictedJoin('1')),
      what: `${user} joins a ${name} room`,
      event: join(user),
      state: joinRule(name),
    })),
  ]),
  ...RESTRICTED_RULES.flatMap(([name, version]): AuthCase[] =>
    [MOD, CREATOR].map((authoriser) => ({
      rule: since(version, rule.restrictedJoin('3')),
      what: `a user joins a ${name} room, authorised by ${authoriser}`,
      event: restricted(authoriser),
      state: joinRule(name),
    })),
  ),
  {
    rule: rule.restrictedJoin('3'),
    what: 'a user joins, authorised by one just at the invite level',
    event: restricted(MOD),
    state: [...joinRule('restricted'), ...over({ invite: 50 })],
  },
  ...['@new:two', '@left:two', '@knocker:two', USER].map((user): AuthCase => ({
    rule: rule.publicJoin,
    what: `${user} joins a public room`,
    event: join(user),
    state: joinRule('public'),
  })),
];
