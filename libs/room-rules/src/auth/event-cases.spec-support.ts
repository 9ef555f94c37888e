import type { JsonObject } from '@atoll/matrix';
import { ADMIN, type AuthCase, both, MOD, over, USER } from './auth-case.spec-support.js';
import { CREATOR, type EventSketch, type StateChanges } from './test-room.spec-support.js';

const unfederated: StateChanges = [
  ['m.room.create', '', { content: { creator: CREATOR, 'm.federate': false } }],
];
const create = (content: JsonObject, more: EventSketch = {}): EventSketch => ({
  type: 'm.room.create',
  state_key: '',
  prev_events: [],
  content: { creator: CREATOR, ...content },
  ...more,
});
const createNew = (content: JsonObject) => create(content, { room_id: undefined });

export const rejectedEvents: readonly AuthCase[] = [
  {
    rule: both('1.1', '1.1'),
    what: 'create after another event',
    event: create({}, { prev_events: ['$a'] }),
  },
  { rule: ['1.2', '1.2', '-'], what: 'create for another domain', event: create({}, { room_id: '!r:two' }) },
  { rule: ['-', '-', '1.2'], what: 'create with a room id', event: create({}) },
  {
    rule: ['1.3', '1.3', '-'],
    what: 'create with an unknown version',
    event: create({ room_version: 'no.such' }),
  },
  { rule: ['1.3', '1.3', '-'], what: 'create with a number as version', event: create({ room_version: 10 }) },
  {
    rule: ['-', '-', '1.3'],
    what: 'create with an unknown version',
    event: createNew({ room_version: 'no' }),
  },
  { rule: ['1.4', '-', '-'], what: 'create without creator', event: create({ creator: undefined }) },
  {
    rule: ['-', '-', '1.4'],
    what: 'additional_creators as an object',
    event: createNew({ additional_creators: {} }),
  },
  {
    rule: ['-', '-', '1.4'],
    what: 'a bad additional creator',
    event: createNew({ additional_creators: ['me'] }),
  },
  {
    rule: both('2.4', '2'),
    what: 'a room without create',
    event: {},
    state: [['m.room.create', '', undefined]],
  },
  { rule: ['-', '-', '2'], what: 'a room id of another create event', event: { room_id: '!other' } },
  {
    rule: both('3', '4'),
    what: 'a foreign sender where federation is off',
    event: { sender: USER },
    state: unfederated,
  },
  { rule: both('5', '6'), what: 'a message of one who never joined', event: { sender: '@new:two' } },
  { rule: both('5', '6'), what: 'a message of an invited user', event: { sender: '@invited:two' } },
  {
    rule: both('6.1', '7.1'),
    what: 'a third-party invite below the invite level',
    event: { type: 'm.room.third_party_invite', sender: USER, state_key: 't' },
  },
  {
    rule: both('7', '8'),
    what: 'state below the state level',
    event: { type: 'm.room.topic', sender: USER, state_key: '' },
  },
  { rule: both('7', '8'), what: 'an event below its own level', event: { type: 'org.low', sender: USER } },
  {
    rule: both('8', '9'),
    what: 'state about another user',
    event: { type: 'org.state', sender: MOD, state_key: USER },
  },
];

export const acceptedEvents: readonly AuthCase[] = [
  { rule: ['1.5', '1.4', '-'], what: 'create', event: create({ room_version: '11' }) },
  {
    rule: ['-', '-', '1.5'],
    what: 'create',
    event: createNew({ additional_creators: [USER], creator: undefined }),
  },
  {
    rule: both('3', '4'),
    what: 'a sender of the creator server where federation is off',
    event: { sender: ADMIN },
    state: unfederated,
  },
  {
    rule: both('6.1', '7.1'),
    what: 'a third-party invite',
    event: { type: 'm.room.third_party_invite', sender: MOD, state_key: 't' },
  },
  {
    rule: both('8', '9'),
    what: 'state about the sender',
    event: { type: 'org.state', sender: MOD, state_key: MOD },
  },
  { rule: both('10', '11'), what: 'a message', event: { sender: USER } },
  {
    rule: both('10', '11'),
    what: 'a redaction, whatever its target',
    event: { type: 'm.room.redaction', sender: USER },
  },
  {
    rule: both('10', '11'),
    what: 'state at its own level',
    event: { type: 'm.room.name', sender: MOD, state_key: '' },
  },
  {
    rule: both('10', '11'),
    what: 'types and users named like what objects inherit',
    event: { type: 'constructor', sender: USER },
    state: over({ events: { toString: 100 } }),
  },
];
