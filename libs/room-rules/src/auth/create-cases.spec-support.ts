import type { JsonObject } from '@atoll/matrix';
import { type AuthCase, USER } from './auth-case.spec-support.js';
import { create as rule, since, until } from './rule-number.spec-support.js';
import { CREATOR, type EventSketch } from './test-room.spec-support.js';

const create = (content: JsonObject, more: EventSketch = {}): EventSketch => ({
  type: 'm.room.create',
  state_key: '',
  prev_events: [],
  content: { creator: CREATOR, ...content },
  ...more,
});

/** The last item, which allows. */
const ALLOWED = rule((version) => (version === 11 ? '4' : '5'));

export const rejectedCreates: readonly AuthCase[] = [
  { rule: rule('1'), what: 'create after another event', event: create({}, { prev_events: ['$a'] }) },
  ...['!room:two', '!room:one:8448', '!room'].map((room_id): AuthCase => ({
    rule: until(11, rule('2')),
    what: `create for ${room_id}`,
    event: create({}, { room_id }),
  })),
  {
    rule: until(11, rule('2')),
    what: 'create without room id',
    event: create({}, { room_id: undefined }),
  },
  {
    rule: since(12, rule('2')),
    what: 'create with a room id',
    event: create({}, { room_id: '!create' }),
  },
  ...['no.such', '0', '13', '01', '', 'constructor', 10, null].map((version): AuthCase => ({
    rule: rule('3'),
    what: `create of version ${JSON.stringify(version)}`,
    event: create({ room_version: version }),
  })),
  {
    rule: until(10, rule('4')),
    what: 'create without creator',
    event: create({ creator: undefined }),
  },
  ...[{}, ['me'], [USER, 1], null, USER, ['@no server']].map((creators): AuthCase => ({
    rule: since(12, rule('4')),
    what: `create with additional_creators ${JSON.stringify(creators)}`,
    event: create({ additional_creators: creators }),
  })),
];

export const acceptedCreates: readonly AuthCase[] = [
  { rule: ALLOWED, what: 'create that names no version', event: create({}) },
  ...Array.from({ length: 12 }, (_, index): AuthCase => ({
    rule: ALLOWED,
    what: `create of version ${index + 1}`,
    event: create({ room_version: `${index + 1}` }),
  })),
  {
    rule: until(10, ALLOWED),
    what: 'create that names another creator',
    event: create({ creator: USER }),
  },
  {
    rule: since(11, ALLOWED),
    what: 'create without creator',
    event: create({ creator: undefined }),
  },
  {
    rule: until(11, ALLOWED),
    what: 'create with anything as additional_creators',
    event: create({ additional_creators: {} }),
  },
  ...[[], [USER], [USER, CREATOR, USER]].map((creators): AuthCase => ({
    rule: since(12, ALLOWED),
    what: `create with additional_creators ${JSON.stringify(creators)}`,
    event: create({ additional_creators: creators }),
  })),
];
