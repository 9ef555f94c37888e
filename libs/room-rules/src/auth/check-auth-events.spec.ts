import { describe, expect, it } from '@jest/globals';
import type { RoomEvent, RoomId } from '@atoll/matrix';
import { supportedRoomVersions } from '../room-version-rules.js';
import { authTypesForEvent } from './auth-types-for-event.js';
import { checkAuthEvents } from './check-auth-events.js';
import { CREATOR, type EventSketch, TestRoom } from './test-room.spec-support.js';

const JOIN: EventSketch = {
  type: 'm.room.member',
  sender: '@invited:two',
  state_key: '@invited:two',
  content: { membership: 'join' },
};

describe.each(supportedRoomVersions)('rules about auth_events in room version $version', (rules) => {
  const room = new TestRoom(rules);
  const join = room.event(JOIN);
  const selected = (event: RoomEvent) =>
    authTypesForEvent(event.pdu, rules).flatMap(([type, key]) => room.lookup()(type, key) ?? []);
  const message = room.event({ sender: '@user:two' });
  const numberOf = (event: RoomEvent, authEvents: readonly RoomEvent[]) =>
    checkAuthEvents(event, authEvents, rules)?.rule;
  const reject = rules.authRules;

  it('allows what the selection gives', () => {
    expect(numberOf(join, selected(join))).toBeUndefined();
    expect(numberOf(message, selected(message))).toBeUndefined();
  });

  it('does not look at the auth_events of a create event, which rule 1 judges alone', () => {
    expect(numberOf(room.event({ type: 'm.room.create', state_key: '' }), selected(join))).toBeUndefined();
  });

  it('rejects two events with the same type and state key', () => {
    const again = room.event(JOIN);
    const authEvents = [...selected(join), again];
    expect(numberOf(join, authEvents)).toBe(reject.duplicateAuthEvent.rule);
  });

  it('rejects an event that the selection does not name', () => {
    const joinRules = room.lookup()('m.room.join_rules', '') as RoomEvent;
    expect(numberOf(message, [...selected(message), joinRules])).toBe(reject.unexpectedAuthEvent.rule);
    expect(numberOf(message, [...selected(message), room.event({})])).toBe(reject.unexpectedAuthEvent.rule);
  });

  it('rejects a rejected event', () => {
    const authEvents = selected(message).map((event) => ({ ...event, rejected: true }));
    expect(numberOf(message, authEvents)).toBe(reject.rejectedAuthEvent.rule);
  });

  it('rejects an event of another room', () => {
    const authEvents = selected(message).map((event) => ({ ...event, roomId: '!elsewhere' as RoomId }));
    expect(numberOf(message, authEvents)).toBe(reject.foreignAuthEvent.rule);
  });

  it('wants the create event exactly where the room id does not imply it', () => {
    const create = room.lookup()('m.room.create', '') as RoomEvent;
    const others = selected(message).filter(({ pdu }) => pdu.type !== 'm.room.create');
    const implied = rules.createEventImpliedByRoomId;
    expect(numberOf(message, others)).toBe(implied ? undefined : reject.noCreateEvent.rule);
    expect(numberOf(message, [...others, create])).toBe(
      implied ? reject.unexpectedAuthEvent.rule : undefined,
    );
  });

  it('numbers these rules as the page does', () => {
    const section = rules.version === '12' ? '3' : '2';
    const { duplicateAuthEvent, unexpectedAuthEvent, rejectedAuthEvent, foreignAuthEvent } = reject;
    expect([duplicateAuthEvent, unexpectedAuthEvent, rejectedAuthEvent].map(({ rule }) => rule)).toEqual(
      ['1', '2', '3'].map((number) => `${section}.${number}`),
    );
    expect(foreignAuthEvent.rule).toBe(rules.version === '12' ? '3.4' : '2.5');
  });
});

describe('selection of auth events', () => {
  const [rules] = supportedRoomVersions;
  const select = (sketch: EventSketch) => {
    if (rules === undefined) throw new Error('no room version');
    const { pdu } = new TestRoom(rules).event(sketch);
    return authTypesForEvent(pdu, rules).map(([type, key]) => `${type.replace('m.room.', '')} ${key}`.trim());
  };
  const base = ['create', 'power_levels', `member ${CREATOR}`];

  it.each<[string, EventSketch, string[]]>([
    ['nothing for create', { type: 'm.room.create', state_key: '' }, []],
    ['three for a message', {}, base],
    ['the join rules for a join', { ...JOIN, sender: CREATOR, state_key: CREATOR }, [...base, 'join_rules']],
    [
      'the authoriser of a restricted join',
      {
        ...JOIN,
        sender: CREATOR,
        state_key: CREATOR,
        content: { membership: 'join', join_authorised_via_users_server: '@mod:two' },
      },
      [...base, 'join_rules', 'member @mod:two'],
    ],
    [
      'the target and the token of a third-party invite',
      {
        type: 'm.room.member',
        state_key: '@new:two',
        content: { membership: 'invite', third_party_invite: { signed: { token: 't' } } },
      },
      [...base, 'member @new:two', 'join_rules', 'third_party_invite t'],
    ],
    [
      'no join rules for a kick',
      { type: 'm.room.member', state_key: '@user:two', content: { membership: 'leave' } },
      [...base, 'member @user:two'],
    ],
  ])('names %s', (_what, sketch, expected) => {
    expect(select(sketch)).toEqual(expected);
  });
});
