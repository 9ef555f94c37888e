import type { EventReference, RoomEvent, RoomId } from '@atoll/matrix';
import { MOD, USER } from './auth-case.spec-support.js';
import { authTypesForEvent } from './auth-types-for-event.js';
import { member } from './member-case.spec-support.js';
import { authEvents, roomId, type RuleOf, since, until } from './rule-number.spec-support.js';
import { CREATOR, type EventSketch, type TestRoom } from './test-room.spec-support.js';

/** An event whose auth events are those that the selection gives, with a change. */
export interface AuthEventsCase {
  readonly rule: RuleOf;
  readonly what: string;
  readonly event: EventSketch;
  readonly change: (selected: readonly RoomEvent[], room: TestRoom) => readonly RoomEvent[];
}

/** The state that the selection names for an event, as far as the room has it. */
export const selectedFor = (event: RoomEvent, room: TestRoom): RoomEvent[] =>
  authTypesForEvent(event.pdu, room.rules).flatMap(([type, key]) => room.lookup()(type, key) ?? []);

const inState = (room: TestRoom, type: string, key = '') => room.lookup()(type, key) ?? [];
const ofType = (type: string, change: (event: RoomEvent) => RoomEvent) => (events: readonly RoomEvent[]) =>
  events.map((event) => (event.pdu.type === type ? change(event) : event));
const reject = (event: RoomEvent): RoomEvent => ({ ...event, rejected: true });
const move = (event: RoomEvent): RoomEvent => ({ ...event, roomId: '!elsewhere:one' as RoomId });

const message: EventSketch = { sender: USER };
const join = member('@invited:two', '@invited:two', 'join');
const authorised = member('@left:two', '@left:two', 'join', { join_authorised_via_users_server: MOD });
const thirdParty = member(MOD, '@new:two', 'invite', { third_party_invite: { signed: { token: 't' } } });
const stored = (room: TestRoom, token: string) =>
  room.event({ type: 'm.room.third_party_invite', sender: MOD, state_key: token });

export const rejectedAuthEvents: readonly AuthEventsCase[] = [
  {
    rule: authEvents('1'),
    what: 'the same event twice',
    event: message,
    change: (events) => [...events, ...events.slice(-1)],
  },
  {
    rule: authEvents('1'),
    what: 'two members with the same state key',
    event: join,
    change: (events, room) => [...events, room.event(join)],
  },
  {
    rule: authEvents('2'),
    what: 'the join rules for a message',
    event: message,
    change: (events, room) => [...events, inState(room, 'm.room.join_rules')].flat(),
  },
  {
    rule: authEvents('2'),
    what: 'the join rules for a kick',
    event: member(MOD, USER, 'leave'),
    change: (events, room) => [...events, inState(room, 'm.room.join_rules')].flat(),
  },
  {
    rule: authEvents('2'),
    what: 'a member who has no part in it',
    event: message,
    change: (events, room) => [...events, inState(room, 'm.room.member', MOD)].flat(),
  },
  {
    rule: authEvents('2'),
    what: 'an event that is no state',
    event: message,
    change: (events, room) => [...events, room.event({})],
  },
  {
    rule: authEvents('2'),
    what: 'power levels with a state key',
    event: message,
    change: (events, room) => [...events, room.event({ type: 'm.room.power_levels', state_key: 'x' })],
  },
  {
    rule: authEvents('2'),
    what: 'a third-party invite with another token',
    event: thirdParty,
    change: (events, room) => [...events, stored(room, 'other')],
  },
  {
    rule: until(7, authEvents('2')),
    what: 'the authoriser of a restricted join',
    event: authorised,
    change: (events, room) => [...events, inState(room, 'm.room.member', MOD)].flat(),
  },
  {
    rule: since(8, authEvents('2')),
    what: 'the authoriser named in a knock',
    event: { ...authorised, content: { ...authorised.content, membership: 'knock' } },
    change: (events, room) => [...events, inState(room, 'm.room.member', MOD)].flat(),
  },
  {
    rule: since(12, authEvents('2')),
    what: 'the create event',
    event: message,
    change: (events, room) => [...events, inState(room, 'm.room.create')].flat(),
  },
  ...['m.room.power_levels', 'm.room.member'].map((type): AuthEventsCase => ({
    rule: authEvents('3'),
    what: `a rejected ${type}`,
    event: message,
    change: ofType(type, reject),
  })),
  {
    rule: until(11, authEvents('3')),
    what: 'a rejected m.room.create',
    event: message,
    change: ofType('m.room.create', reject),
  },
  {
    rule: until(11, roomId),
    what: 'no create event',
    event: message,
    change: (events) => events.filter(({ pdu }) => pdu.type !== 'm.room.create'),
  },
  { rule: until(11, roomId), what: 'nothing', event: message, change: () => [] },
  ...['m.room.power_levels', 'm.room.member'].map((type): AuthEventsCase => ({
    rule: authEvents((version) => (version < 12 ? '5' : '4')),
    what: `${type} of another room`,
    event: message,
    change: ofType(type, move),
  })),
  {
    rule: until(11, authEvents('5')),
    what: 'm.room.create of another room',
    event: message,
    change: ofType('m.room.create', move),
  },
];

const asSelected = (events: readonly RoomEvent[]) => events;
/** These pass; they are named by the rule that they come close to. */
export const acceptedAuthEvents: readonly AuthEventsCase[] = [
  { rule: authEvents('2'), what: 'what a message needs', event: message, change: asSelected },
  { rule: authEvents('2'), what: 'what a join needs', event: join, change: asSelected },
  {
    rule: authEvents('2'),
    what: 'what a kick needs',
    event: member(MOD, USER, 'leave'),
    change: asSelected,
  },
  {
    rule: since(8, authEvents('2')),
    what: 'the authoriser of a restricted join',
    event: authorised,
    change: (events, room) => [...new Set([...events, inState(room, 'm.room.member', MOD)].flat())],
  },
  {
    rule: authEvents('2'),
    what: 'a third-party invite with its token',
    event: thirdParty,
    change: (events, room) => [...events, stored(room, 't')],
  },
  {
    rule: authEvents('2'),
    what: 'less than the selection',
    event: join,
    change: (events) => events.filter(({ pdu }) => pdu.type === 'm.room.create'),
  },
  { rule: since(12, authEvents('2')), what: 'nothing', event: message, change: () => [] },
  // Rule 1 judges create events alone.
  {
    rule: authEvents('3'),
    what: 'whatever a create event cites',
    event: { type: 'm.room.create', sender: CREATOR, state_key: '' },
    change: (_none, room) => selectedFor(room.event(join), room).map(reject),
  },
];

/** `auth_events` of an event in the form of the room's version. */
export const referencesTo = (events: readonly RoomEvent[], room: TestRoom): EventReference[] =>
  events.map(({ eventId }) => (room.rules.eventIds === 'chosen' ? [eventId, { sha256: '' }] : eventId));
