import {
  ADMIN,
  type AuthCase,
  current,
  levels,
  MOD,
  noLevels,
  over,
  USER,
} from './auth-case.spec-support.js';
import { levelChange, since, until } from './rule-number.spec-support.js';
import { CREATOR } from './test-room.spec-support.js';

/** Who may change power levels in these cases although he stands below the defaults. */
const low = { users: { [MOD]: 40 }, events: { 'm.room.power_levels': 40 } };
const events = (changes: Record<string, number | undefined>) => ({
  events: { 'm.room.name': 40, 'm.room.power_levels': 50, 'org.high': 95, 'org.low': 20, ...changes },
});
const users = (changes: Record<string, number | undefined>) => ({
  users: { [ADMIN]: 90, [MOD]: 50, ...changes },
});

export const rejectedLevelChanges: readonly AuthCase[] = [
  ...['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'].flatMap(
    (name): AuthCase[] => [
      {
        rule: levelChange(3, '.1'),
        what: `${name} lowered from above`,
        event: levels({ [name]: 10 }),
        state: over({ [name]: 60, events: { 'm.room.power_levels': 50 } }),
      },
      {
        rule: levelChange(3, '.2'),
        what: `${name} raised above the sender`,
        event: levels({ [name]: 51 }),
        state: over({ [name]: 10 }),
      },
      {
        rule: levelChange(3, '.2'),
        what: `${name} added above the sender`,
        event: levels({ [name]: 51 }),
        state: over({ [name]: undefined }),
      },
    ],
  ),
  {
    rule: levelChange(3, '.1'),
    what: 'redact removed from above',
    event: levels({ redact: undefined }),
    state: current,
  },
  {
    rule: levelChange(3, '.1'),
    what: 'kick lowered below its default by one below the default',
    event: levels({ kick: 40, ...low }),
    state: over(low),
  },
  {
    rule: levelChange(3, '.2'),
    what: 'ban removed, and so raised to its default, by one below the default',
    event: levels({ ...low, ban: undefined }),
    state: over({ ...low, ban: 30 }),
  },

  {
    rule: levelChange(4, '.1'),
    what: 'an event type lowered from above',
    event: levels(events({ 'org.high': 1 })),
    state: current,
  },
  {
    rule: levelChange(4, '.1'),
    what: 'an event type removed from above',
    event: levels(events({ 'org.high': undefined })),
    state: current,
  },
  {
    rule: levelChange(4, '.1'),
    what: 'all event types removed',
    event: levels({ events: undefined }),
    state: current,
  },
  {
    rule: since(6, levelChange(4, '.1')),
    what: 'a notification lowered from above',
    event: levels({ notifications: { room: 50, all: 1 } }),
    state: current,
  },
  {
    rule: since(6, levelChange(4, '.1')),
    what: 'a notification removed from above',
    event: levels({ notifications: { room: 50 } }),
    state: current,
  },

  {
    rule: levelChange(5, '.1'),
    what: 'an event type added above',
    event: levels(events({ 'org.new': 51 })),
    state: current,
  },
  {
    rule: levelChange(5, '.1'),
    what: 'an event type raised above',
    event: levels(events({ 'org.low': 51 })),
    state: current,
  },
  {
    rule: since(6, levelChange(5, '.1')),
    what: 'a notification raised above',
    event: levels({ notifications: { room: 51, all: 95 } }),
    state: current,
  },
  {
    rule: since(6, levelChange(5, '.1')),
    what: 'a notification added above',
    event: levels({ notifications: { room: 50, all: 95, more: 51 } }),
    state: current,
  },

  {
    rule: levelChange(6, '.1'),
    what: 'one with the same level demoted',
    event: levels(users({ [USER]: 0 })),
    state: over(users({ [USER]: 50 })),
  },
  {
    rule: levelChange(6, '.1'),
    what: 'one with the same level removed',
    event: levels({}),
    state: over(users({ [USER]: 50 })),
  },
  {
    rule: levelChange(6, '.1'),
    what: 'one above removed',
    event: levels(users({ [ADMIN]: undefined })),
    state: current,
  },
  {
    rule: levelChange(7, '.1'),
    what: 'a user added above the sender',
    event: levels(users({ [USER]: 51 })),
    state: current,
  },
  {
    rule: levelChange(7, '.1'),
    what: 'a user raised above the sender',
    event: levels(users({ [USER]: 51 })),
    state: over(users({ [USER]: 49 })),
  },
  {
    rule: levelChange(7, '.1'),
    what: 'the sender raises himself',
    event: levels(users({ [MOD]: 51 })),
    state: current,
  },
];

export const acceptedLevelChanges: readonly AuthCase[] = [
  {
    rule: levelChange(2),
    what: 'the first power levels',
    event: levels({ ban: 1000 }, CREATOR),
    state: noLevels,
  },
  {
    rule: levelChange(2),
    what: 'the first power levels, empty',
    event: { ...levels({}, CREATOR), content: {} },
    state: noLevels,
  },
  { rule: levelChange(8), what: 'no change', event: levels({}), state: current },
  {
    rule: levelChange(8),
    what: 'levels up to that of the sender',
    event: levels({
      ban: 10,
      kick: 50,
      users_default: 50,
      ...users({ [USER]: 50 }),
      ...events({ 'm.room.name': undefined, 'org.low': 50, 'org.new': 50 }),
      notifications: { room: 1, all: 95, more: 50 },
    }),
    state: current,
  },
  {
    rule: levelChange(8),
    what: 'the sender demotes himself',
    event: levels(users({ [MOD]: 10 })),
    state: current,
  },
  {
    rule: levelChange(8),
    what: 'the sender takes himself out',
    event: levels(users({ [MOD]: undefined })),
    state: current,
  },
  {
    rule: levelChange(8),
    what: 'one below is demoted',
    event: levels(users({ [USER]: undefined })),
    state: over(users({ [USER]: 49 })),
  },
  {
    rule: levelChange(8),
    what: 'an admin empties the content',
    event: { ...levels({}, ADMIN), content: {} },
    state: over({ events: {}, notifications: {}, users: { [ADMIN]: 100, [MOD]: 50 } }),
  },
  ...[{ room: 51, more: 100 }, undefined, 7, { room: null, all: 'loud' }].map((notifications): AuthCase => ({
    rule: until(5, levelChange(8)),
    what: `notifications become ${JSON.stringify(notifications)}`,
    event: levels({ notifications }),
    state: current,
  })),
  ...[CREATOR, USER].map((sender): AuthCase => ({
    rule: since(12, levelChange(8)),
    what: `the creator ${sender} changes what is above every level`,
    event: levels({ redact: 1, ...users({ [ADMIN]: 1 }), events: {}, notifications: {} }, sender),
    state: [
      ...over({ redact: Number.MAX_SAFE_INTEGER, ...users({ [ADMIN]: Number.MAX_SAFE_INTEGER }) }),
      ['m.room.create', '', { content: { additional_creators: [USER] } }],
    ],
  })),
];
