import type { JsonValue } from '@atoll/matrix';
import { ADMIN, type AuthCase, current, levels, MOD, over, USER } from './auth-case.spec-support.js';
import * as rule from './rule-number.spec-support.js';
import { levelChange, since, until } from './rule-number.spec-support.js';
import { CREATOR } from './test-room.spec-support.js';

const LEVELS = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'];

/** No level in any version. */
const NEVER: readonly JsonValue[] = [null, true, [], {}, [50]];
/** Texts that are no level even where texts may be. */
const BAD_TEXTS = [
  ...['', ' ', 'abc', '1.5', '50.0', '1e1', '0x10', '5 0', '5_0', '- 5', '--5', '+-5', '+', '٥', '50n'],
  ...['Infinity', '9'.repeat(400)],
];
/** Texts that are 50, 5 or -5 in versions 1 to 9. */
const GOOD_TEXTS = ['50', '0050', '+50', ' 50 ', ' +0050 ', '\t50\n', '5', '-5', ' -0005 '];
/** What only versions that allow floats can have in an event; one beyond the range of a double reads as infinite. */
const BEYOND_DOUBLE = JSON.parse('[1e400, -1e400]') as number[];
const FLOATS = [50.57, 5.011e1, 49.9999, -0.5, -50.57, 1e-7];

const show = (value: JsonValue) =>
  typeof value === 'number' ? `${value}` : JSON.stringify(value).slice(0, 20);

interface Form {
  readonly since?: number;
  readonly until?: number;
  readonly value: JsonValue;
}
const BAD: readonly Form[] = [
  ...[...NEVER, ...BAD_TEXTS].map((value) => ({ value })),
  ...GOOD_TEXTS.map((value) => ({ value, since: 10 })),
  ...FLOATS.map((value) => ({ value, since: 10 })),
  ...BEYOND_DOUBLE.map((value) => ({ value })),
];
const GOOD: readonly Form[] = [
  { value: 50 },
  { value: 0 },
  { value: -5 },
  ...GOOD_TEXTS.map((value) => ({ value, until: 9 })),
  ...FLOATS.map((value) => ({ value, until: 5 })),
];
const ofForm = ({ since: first = 1, until: last = 12 }: Form, number: rule.RuleOf) =>
  rule.within(first, last, number);

const rejectedLevels: readonly AuthCase[] = [
  ...LEVELS.map((name): AuthCase => ({
    rule: rule.notLevel,
    what: `${name} that is no level`,
    event: levels({ [name]: 'high' }),
    state: current,
  })),
  ...BAD.map((form): AuthCase => ({
    rule: ofForm(form, rule.notLevel),
    what: `ban as ${show(form.value)}`,
    event: levels({ ban: form.value }),
    state: current,
  })),
];

const rejectedMaps: readonly AuthCase[] = [
  ...[[], 'x', 50, null].flatMap((value): AuthCase[] => [
    {
      rule: rule.notLevelMap,
      what: `events as ${show(value)}`,
      event: levels({ events: value }),
      state: current,
    },
    {
      rule: since(6, rule.notLevelMap),
      what: `notifications as ${show(value)}`,
      event: levels({ notifications: value }),
      state: current,
    },
    { rule: rule.badUsers, what: `users as ${show(value)}`, event: levels({ users: value }), state: current },
  ]),
  ...BAD.flatMap((form): AuthCase[] => [
    {
      rule: ofForm(form, rule.notLevelMap),
      what: `an event type at ${show(form.value)}`,
      event: levels({ events: { 'm.room.power_levels': 50, a: form.value } }),
      state: current,
    },
    {
      rule: since(6, ofForm(form, rule.notLevelMap)),
      what: `a notification at ${show(form.value)}`,
      event: levels({ notifications: { room: form.value } }),
      state: current,
    },
    {
      rule: ofForm(form, rule.badUsers),
      what: `a user at ${show(form.value)}`,
      event: levels({ users: { [ADMIN]: 90, [MOD]: 50, [USER]: form.value } }),
      state: current,
    },
  ]),
];

const LONG_USER = (length: number) => `@${'é'.repeat(length - 5)}:two`;
const naming = (user: string) => levels({ users: { [ADMIN]: 90, [MOD]: 50, [user]: 1 } });
const rejectedUsers: readonly AuthCase[] = [
  ...['me', '@me', 'me:two', '@me:', '@me:no server', '', LONG_USER(256)].map((user): AuthCase => ({
    rule: rule.badUsers,
    what: `users with the key ${show(user)}`,
    event: naming(user),
    state: current,
  })),
  {
    rule: since(11, rule.badUsers),
    what: 'users with an id of 255 characters but more bytes',
    event: naming(LONG_USER(255)),
    state: current,
  },
  {
    rule: rule.namesCreator,
    what: 'the creator among users',
    event: levels({ users: { [CREATOR]: 100 } }),
    state: current,
  },
  {
    rule: rule.namesCreator,
    what: 'the creator among the first users, by himself',
    event: levels({ users: { [CREATOR]: 100 } }, CREATOR),
    state: [['m.room.power_levels', '', undefined]],
  },
  {
    rule: rule.namesCreator,
    what: 'an additional creator among users',
    event: levels({ users: { [USER]: 1 } }),
    state: [...current, ['m.room.create', '', { content: { additional_creators: [USER] } }]],
  },
];

/** Values that are compared as the levels they stand for. */
const rejectedAsLevels: readonly AuthCase[] = [
  ...(['60', ' +060 '] as const).map((redact): AuthCase => ({
    rule: until(9, levelChange(3, '.1')),
    what: `redact lowered from the text "${redact}"`,
    event: levels({ redact: 1 }),
    state: over({ redact }),
  })),
  {
    rule: until(9, levelChange(3, '.2')),
    what: 'ban raised to a text above',
    event: levels({ ban: ' 51' }),
    state: current,
  },
  {
    rule: until(9, levelChange(5, '.1')),
    what: 'an event type raised to a text above',
    event: levels({ events: { 'm.room.power_levels': '50', 'org.high': 95, 'org.new': '0051' } }),
    state: current,
  },
  {
    rule: until(9, levelChange(6, '.1')),
    what: 'one at the same level as a text demoted',
    event: levels({ users: { [ADMIN]: 90, [MOD]: 50, [USER]: '49' } }),
    state: over({ users: { [ADMIN]: 90, [MOD]: 50, [USER]: ' 50' } }),
  },
  {
    rule: until(5, levelChange(6, '.1')),
    what: 'one at the same level without its fraction demoted',
    event: levels({ users: { [ADMIN]: 90, [MOD]: 50, [USER]: 49.99 } }),
    state: over({ users: { [ADMIN]: 90, [MOD]: 50, [USER]: 50.57 } }),
  },
  {
    rule: until(5, levelChange(7, '.1')),
    what: 'a user raised to a float above',
    event: levels({ users: { [ADMIN]: 90, [MOD]: 50, [USER]: 51.01 } }),
    state: current,
  },
  {
    rule: until(9, rule.sendLevel),
    what: 'state by one whose level is a text below',
    event: { type: 'm.room.topic', sender: USER, state_key: '' },
    state: over({ users: { [USER]: ' +049 ' }, state_default: '50' }),
  },
];

export const rejectedLevelForms: readonly AuthCase[] = [
  ...rejectedLevels,
  ...rejectedMaps,
  ...rejectedUsers,
  ...rejectedAsLevels,
];

export const acceptedLevelForms: readonly AuthCase[] = [
  ...GOOD.map((form): AuthCase => ({
    rule: ofForm(form, levelChange(8)),
    what: `levels as ${show(form.value)}`,
    event: levels({
      ban: form.value,
      users: { [ADMIN]: 90, [MOD]: 50, [USER]: form.value },
      events: { 'm.room.power_levels': 50, 'org.high': 95, a: form.value },
      notifications: { room: form.value, all: 95 },
    }),
    state: current,
  })),
  {
    rule: until(10, levelChange(8)),
    what: 'users with an id of 255 characters',
    event: naming(LONG_USER(255)),
    state: current,
  },
  { rule: levelChange(8), what: 'users with a historical id', event: naming('@Ünï/x y:two'), state: current },
  {
    rule: until(9, levelChange(8)),
    what: 'texts become the numbers that they are, above the sender too',
    event: levels({}),
    state: over({
      redact: ' +060 ',
      users: { [ADMIN]: '90', [MOD]: '50' },
      events: { 'm.room.power_levels': '0050', 'org.high': '95', 'org.low': '20' },
      notifications: { room: '50', all: '95' },
    }),
  },
  {
    rule: until(5, levelChange(8)),
    what: 'fractions go, above the sender too',
    event: levels({}),
    state: over({ redact: 60.9, users: { [ADMIN]: 90.5, [MOD]: 50.57 } }),
  },
  {
    rule: until(9, rule.otherwise),
    what: 'state by one whose level is a text',
    event: { type: 'm.room.topic', sender: USER, state_key: '' },
    state: over({ users: { [USER]: ' +050 ' }, state_default: '0050' }),
  },
  {
    rule: until(5, rule.otherwise),
    what: 'state by one whose level has a fraction, as the state’s has',
    event: { type: 'm.room.topic', sender: USER, state_key: '' },
    state: over({ users: { [USER]: 50.1 }, state_default: 50.9 }),
  },
];
