import type { JsonObject } from '@atoll/matrix';
import { ADMIN, type AuthCase, MOD, noLevels, over, USER } from './auth-case.spec-support.js';
import * as rule from './rule-number.spec-support.js';
import { since, until } from './rule-number.spec-support.js';
import { CREATOR, type EventSketch, type StateChanges } from './test-room.spec-support.js';

const stateEvent = (type: string, sender: string, key = ''): EventSketch => ({
  type,
  sender,
  state_key: key,
});
const createdWith = (content: JsonObject, more: EventSketch = {}): StateChanges => [
  ['m.room.create', '', { content: { creator: CREATOR, ...content }, ...more }],
];
const unfederated = createdWith({ 'm.federate': false });

/** Of versions that name the creator in the content. */
const creatorIs = (creator: string) => [...noLevels, ...createdWith({ creator })];
const additional = createdWith({ additional_creators: [USER] });

export const rejectedEvents: readonly AuthCase[] = [
  { rule: rule.roomId, what: 'a room without create', event: {}, state: [['m.room.create', '', undefined]] },
  { rule: since(12, rule.roomId), what: 'a room id of another create event', event: { room_id: '!other' } },
  {
    rule: since(12, rule.roomId),
    what: 'a create event that was rejected',
    event: {},
    state: createdWith({}, { rejected: true }),
  },

  {
    rule: rule.federate,
    what: 'a foreign sender where federation is off',
    event: { sender: USER },
    state: unfederated,
  },
  {
    rule: rule.federate,
    what: 'a foreign invited user where federation is off',
    event: {
      ...stateEvent('m.room.member', '@invited:two', '@invited:two'),
      content: { membership: 'join' },
    },
    state: unfederated,
  },
  {
    rule: rule.federate,
    what: 'aliases of a foreign server where federation is off',
    event: stateEvent('m.room.aliases', USER, 'two'),
    state: unfederated,
  },

  {
    rule: rule.aliases('1'),
    what: 'aliases without state key',
    event: { type: 'm.room.aliases', sender: ADMIN },
  },
  {
    rule: rule.aliases('2'),
    what: 'aliases of another server',
    event: stateEvent('m.room.aliases', ADMIN, 'two'),
  },
  {
    rule: rule.aliases('2'),
    what: 'aliases of the same host at a port',
    event: stateEvent('m.room.aliases', ADMIN, 'one:8448'),
  },
  { rule: rule.aliases('2'), what: 'aliases of nobody', event: stateEvent('m.room.aliases', ADMIN) },

  { rule: rule.joined, what: 'a message of one who never joined', event: { sender: '@new:two' } },
  { rule: rule.joined, what: 'a message of an invited user', event: { sender: '@invited:two' } },
  { rule: rule.joined, what: 'a message of one who left', event: { sender: '@left:two' } },
  {
    rule: rule.joined,
    what: 'a third-party invite by one who left',
    event: stateEvent('m.room.third_party_invite', '@left:two', 't'),
    state: over({ invite: 0 }),
  },
  {
    rule: since(6, rule.joined),
    what: 'aliases by one who never joined',
    event: stateEvent('m.room.aliases', '@new:two', 'two'),
  },

  {
    rule: rule.thirdPartyInviteLevel,
    what: 'a third-party invite below the invite level',
    event: stateEvent('m.room.third_party_invite', USER, 't'),
  },

  { rule: rule.sendLevel, what: 'state below the state level', event: stateEvent('m.room.topic', USER) },
  {
    rule: rule.sendLevel,
    what: 'state below the default of the state level',
    event: stateEvent('m.room.topic', USER),
    state: over({ state_default: undefined, users: { [USER]: 49 } }),
  },
  { rule: rule.sendLevel, what: 'an event below its own level', event: { type: 'org.low', sender: USER } },
  {
    rule: rule.sendLevel,
    what: 'a message below the events level',
    event: { sender: USER },
    state: over({ events_default: 1 }),
  },
  {
    rule: rule.sendLevel,
    what: 'a redaction below its own level, whatever the redact level',
    event: { type: 'm.room.redaction', sender: MOD, redacts: '$own:two' },
    state: over({ redact: 0, events: { 'm.room.redaction': 51 } }),
  },
  {
    rule: rule.sendLevel,
    what: 'state by another than the creator before there are power levels',
    event: stateEvent('m.room.topic', ADMIN),
    state: noLevels,
  },
  {
    rule: until(10, rule.sendLevel),
    what: 'state by the sender of a create event that names another creator',
    event: stateEvent('m.room.topic', CREATOR),
    state: creatorIs(MOD),
  },
  {
    rule: since(11, rule.sendLevel),
    what: 'state by one whom the content calls the creator',
    event: stateEvent('m.room.topic', MOD),
    state: creatorIs(MOD),
  },
  {
    rule: until(11, rule.sendLevel),
    what: 'state by an additional creator',
    event: stateEvent('org.high', USER),
    state: additional,
  },
  {
    rule: until(11, rule.sendLevel),
    what: 'state by an additional creator before there are power levels',
    event: stateEvent('m.room.topic', USER),
    state: [...noLevels, ...additional],
  },
  {
    rule: since(6, rule.sendLevel),
    what: 'aliases below the state level',
    event: stateEvent('m.room.aliases', USER, 'two'),
  },

  { rule: rule.stateKey, what: 'state about another user', event: stateEvent('org.state', MOD, USER) },
  { rule: rule.stateKey, what: 'state about no real user', event: stateEvent('org.state', MOD, '@') },

  {
    rule: rule.redaction('3'),
    what: 'a redaction for another server below the redact level',
    event: { type: 'm.room.redaction', sender: MOD, redacts: '$x:one' },
  },
  {
    rule: rule.redaction('3'),
    what: 'a redaction for the same host at a port',
    event: { type: 'm.room.redaction', sender: MOD, redacts: '$x:two:8448' },
  },
  ...['$two', 'two', ''].map((redacts): AuthCase => ({
    rule: rule.redaction('3'),
    what: `a redaction of "${redacts}", which has no server`,
    event: { type: 'm.room.redaction', sender: MOD, redacts },
  })),
  {
    rule: rule.redaction('3'),
    what: 'a redaction of nothing',
    event: { type: 'm.room.redaction', sender: MOD },
  },
];

export const acceptedEvents: readonly AuthCase[] = [
  {
    rule: rule.federate,
    what: 'a sender of the creator server where federation is off',
    event: { sender: ADMIN },
    state: unfederated,
  },
  ...[true, undefined, 'false', 0].map((value): AuthCase => ({
    rule: rule.federate,
    what: `a foreign sender where m.federate is ${value}`,
    event: { sender: USER },
    state: createdWith({ 'm.federate': value }),
  })),

  { rule: rule.aliases('3'), what: 'aliases', event: stateEvent('m.room.aliases', USER, 'two') },
  {
    rule: rule.aliases('3'),
    what: 'aliases by one who never joined',
    event: stateEvent('m.room.aliases', '@new:two:8448', 'two:8448'),
  },
  {
    rule: rule.aliases('3'),
    what: 'aliases whatever their level',
    event: stateEvent('m.room.aliases', USER, 'two'),
    state: over({ events: { 'm.room.aliases': 100 } }),
  },

  {
    rule: rule.thirdPartyInviteLevel,
    what: 'a third-party invite',
    event: stateEvent('m.room.third_party_invite', MOD, 't'),
  },
  {
    rule: rule.thirdPartyInviteLevel,
    what: 'a third-party invite at the invite level, below that of state',
    event: stateEvent('m.room.third_party_invite', USER, '@t'),
    state: over({ invite: undefined }),
  },

  { rule: rule.stateKey, what: 'state about the sender', event: stateEvent('org.state', MOD, MOD) },

  ...['$x:one', '$x:two'].map((redacts): AuthCase => ({
    rule: rule.redaction('1'),
    what: `a redaction of ${redacts} at the redact level`,
    event: { type: 'm.room.redaction', sender: MOD, redacts },
    state: over({ redact: 50 }),
  })),
  {
    rule: rule.redaction('2'),
    what: 'a redaction for the own server below the redact level',
    event: { type: 'm.room.redaction', sender: USER, redacts: '$x:two' },
  },
  {
    rule: rule.redaction('2'),
    what: 'a redaction for a server at a port',
    event: { type: 'm.room.redaction', sender: '@port:two:8448', redacts: '$x:two:8448' },
    state: [['m.room.member', '@port:two:8448', { content: { membership: 'join' } }]],
  },

  { rule: rule.otherwise, what: 'a message', event: { sender: USER } },
  {
    rule: since(3, rule.otherwise),
    what: 'a redaction, whatever its target',
    event: { type: 'm.room.redaction', sender: USER, redacts: '$x:one' },
  },
  { rule: rule.otherwise, what: 'state at its own level', event: stateEvent('m.room.name', MOD) },
  {
    rule: rule.otherwise,
    what: 'types and users named like what objects inherit',
    event: { type: 'constructor', sender: USER },
    state: over({ events: { toString: 100 } }),
  },
  {
    rule: rule.otherwise,
    what: 'state by the creator before there are power levels',
    event: stateEvent('m.room.topic', CREATOR),
    state: noLevels,
  },
  {
    rule: until(10, rule.otherwise),
    what: 'state by the creator whom the content names',
    event: stateEvent('m.room.topic', MOD),
    state: creatorIs(MOD),
  },
  {
    rule: since(11, rule.otherwise),
    what: 'state by the sender of a create event that names another creator',
    event: stateEvent('m.room.topic', CREATOR),
    state: creatorIs(MOD),
  },
  {
    rule: since(12, rule.otherwise),
    what: 'state above every level by the creator',
    event: stateEvent('org.high', CREATOR),
    state: over({ events: { 'org.high': Number.MAX_SAFE_INTEGER } }),
  },
  {
    rule: since(12, rule.otherwise),
    what: 'state by an additional creator',
    event: stateEvent('org.high', USER),
    state: additional,
  },
  {
    rule: since(6, rule.otherwise),
    what: 'aliases as ordinary state, of any server',
    event: stateEvent('m.room.aliases', MOD, 'elsewhere'),
  },
];
