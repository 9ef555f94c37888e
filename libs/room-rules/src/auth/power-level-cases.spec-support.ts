import { ADMIN, type AuthCase, both, current, levels, MOD, over, USER } from './auth-case.spec-support.js';
import { CREATOR } from './test-room.spec-support.js';

export const rejectedPowerLevels: readonly AuthCase[] = [
  ...['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'].map(
    (name): AuthCase => ({
      rule: both('9.1', '10.1'),
      what: `${name} as a string`,
      event: levels({ [name]: '50' }),
      state: current,
    }),
  ),
  { rule: both('9.1', '10.1'), what: 'a level that is null', event: levels({ ban: null }), state: current },
  { rule: both('9.1', '10.1'), what: 'a broken number', event: levels({ ban: 1.5 }), state: current },
  { rule: both('9.2', '10.2'), what: 'events as a list', event: levels({ events: [] }), state: current },
  {
    rule: both('9.2', '10.2'),
    what: 'events with a string',
    event: levels({ events: { a: '1' } }),
    state: current,
  },
  {
    rule: both('9.2', '10.2'),
    what: 'notifications as a number',
    event: levels({ notifications: 1 }),
    state: current,
  },
  { rule: both('9.3', '10.3'), what: 'users as a list', event: levels({ users: [] }), state: current },
  {
    rule: both('9.3', '10.3'),
    what: 'users with no user id',
    event: levels({ users: { me: 1 } }),
    state: current,
  },
  {
    rule: both('9.3', '10.3'),
    what: 'users with a string',
    event: levels({ users: { [MOD]: '50' } }),
    state: current,
  },
  {
    rule: ['-', '-', '10.4'],
    what: 'the creator among users',
    event: levels({ users: { [CREATOR]: 100 } }),
    state: current,
  },
  {
    rule: ['-', '-', '10.4'],
    what: 'an additional creator among users',
    event: levels({ users: { [USER]: 1 } }),
    state: [...current, ['m.room.create', '', { content: { additional_creators: [USER] } }]],
  },
  {
    rule: both('9.5.1', '10.6.1'),
    what: 'redact lowered from above',
    event: levels({ redact: 10 }),
    state: current,
  },
  {
    rule: both('9.5.1', '10.6.1'),
    what: 'redact removed from above',
    event: levels({ redact: undefined }),
    state: current,
  },
  {
    rule: both('9.5.1', '10.6.1'),
    what: 'kick lowered below its default by one below the default',
    event: { ...levels({ kick: 40, users: { [MOD]: 40 } }), sender: MOD },
    state: over({ users: { [MOD]: 40 }, events: { 'm.room.power_levels': 40 } }),
  },
  {
    rule: both('9.5.2', '10.6.2'),
    what: 'ban raised above the sender',
    event: levels({ ban: 51 }),
    state: current,
  },
  {
    rule: both('9.6.1', '10.7.1'),
    what: 'an event type lowered from above',
    event: levels({ events: { 'm.room.name': 40, 'm.room.power_levels': 50, 'org.high': 1, 'org.low': 20 } }),
    state: current,
  },
  {
    rule: both('9.6.1', '10.7.1'),
    what: 'a notification removed from above',
    event: levels({ notifications: { room: 50 } }),
    state: current,
  },
  {
    rule: both('9.7.1', '10.8.1'),
    what: 'an event type added above',
    event: levels({
      events: { 'm.room.name': 40, 'm.room.power_levels': 50, 'org.high': 95, 'org.low': 20, 'org.new': 51 },
    }),
    state: current,
  },
  {
    rule: both('9.7.1', '10.8.1'),
    what: 'a notification raised above',
    event: levels({ notifications: { room: 51, all: 95 } }),
    state: current,
  },
  {
    rule: both('9.8.1', '10.9.1'),
    what: 'one with the same level demoted',
    event: levels({ users: { [ADMIN]: 90, [MOD]: 50, [USER]: 0 } }),
    state: over({ users: { [ADMIN]: 90, [MOD]: 50, [USER]: 50 } }),
  },
  {
    rule: both('9.8.1', '10.9.1'),
    what: 'one above removed',
    event: levels({ users: { [MOD]: 50 } }),
    state: current,
  },
  {
    rule: both('9.9.1', '10.10.1'),
    what: 'a user raised above the sender',
    event: levels({ users: { [ADMIN]: 90, [MOD]: 50, [USER]: 51 } }),
    state: current,
  },
  {
    rule: both('9.9.1', '10.10.1'),
    what: 'the sender raises himself',
    event: levels({ users: { [ADMIN]: 90, [MOD]: 51 } }),
    state: current,
  },
];

export const acceptedPowerLevels: readonly AuthCase[] = [
  {
    rule: both('9.4', '10.5'),
    what: 'the first power levels',
    event: { ...levels({ ban: 1000 }), sender: CREATOR },
    state: [['m.room.power_levels', '', undefined]],
  },
  {
    rule: both('9.10', '10.11'),
    what: 'levels up to that of the sender',
    event: levels({
      ban: 10,
      kick: 50,
      users_default: 50,
      users: { [ADMIN]: 90, [MOD]: 50, [USER]: 50 },
      events: { 'org.high': 95 },
    }),
    state: current,
  },
  {
    rule: both('9.10', '10.11'),
    what: 'the sender demotes himself',
    event: levels({ users: { [ADMIN]: 90, [MOD]: 10 } }),
    state: current,
  },
  {
    rule: both('9.10', '10.11'),
    what: 'an admin empties the content',
    event: { ...levels({}, ADMIN), content: {} },
    state: over({ events: {}, notifications: {}, users: { [ADMIN]: 100, [MOD]: 50 } }),
  },
];
