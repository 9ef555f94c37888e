import { describe, expect, it } from '@jest/globals';
import type { RoomEvent } from '@atoll/matrix';
import { supportedRoomVersions } from '../room-version-rules.js';
import { MOD, over, USER } from './auth-case.spec-support.js';
import { selectedFor } from './auth-events-cases.spec-support.js';
import { type AuthorisationBasis, authorizeReceivedEvent } from './authorize-received-event.js';
import { joinRule, join, member } from './member-case.spec-support.js';
import * as rule from './rule-number.spec-support.js';
import { type EventSketch, type StateChanges, TestRoom } from './test-room.spec-support.js';

const banned: StateChanges = [['m.room.member', USER, { content: { membership: 'ban' } }]];
const invited: StateChanges = [['m.room.member', '@new:two', { content: { membership: 'invite' } }]];

describe.each(supportedRoomVersions)('checks on receipt of an event in room version $version', (rules) => {
  const room = new TestRoom(rules);
  const version = Number(rules.version);
  const create = room.lookup()('m.room.create', '');
  const rejected = (number: rule.RuleOf) => ['rejected', number(version)];

  /** The verdict, and the rule where it is none of acceptance, on an event that cites what the selection gives. */
  function verdictOn(sketch: EventSketch, basis: Partial<AuthorisationBasis> = {}): string[] {
    const event = room.event(sketch);
    const answer = authorizeReceivedEvent(
      event,
      { authEvents: selectedFor(event, room), create, before: room.lookup(), ...basis },
      rules,
    );
    return answer.verdict === 'accepted' ? [answer.verdict] : [answer.verdict, answer.rejection.rule];
  }
  /** Auth events for an event of one user, from another state than the room's. */
  const citing = (sketch: EventSketch, changes: StateChanges): RoomEvent[] => {
    const state = room.lookup(changes);
    const known = selectedFor(room.event(sketch), room).map(({ pdu }) => pdu);
    const keys = [...known.map(({ type, state_key = '' }) => [type, state_key] as const)];
    const added = changes.map(([type, key]) => [type, key] as const);
    const all = new Map([...keys, ...added].map(([type, key]) => [`${type} ${key}`, state(type, key)]));
    return [...all.values()].filter((event) => event !== undefined);
  };

  it('accepts what all three states allow', () => {
    expect(verdictOn({ sender: USER })).toEqual(['accepted']);
    expect(verdictOn({ sender: USER }, { current: room.lookup() })).toEqual(['accepted']);
    expect(verdictOn(join('@invited:two'), { current: room.lookup() })).toEqual(['accepted']);
  });

  it('accepts a create event, which needs no state', () => {
    const sketch = { type: 'm.room.create', state_key: '', prev_events: [], content: { creator: '@a:one' } };
    const nothing = { authEvents: [], create: undefined, before: () => undefined };
    expect(verdictOn({ ...sketch, sender: '@a:one' }, nothing)).toEqual(['accepted']);
    expect(verdictOn({ ...sketch, prev_events: ['$x'] }, nothing)).toEqual(rejected(rule.create('1')));
  });

  it('rejects for the auth events themselves, before it looks at any state', () => {
    const authEvents = selectedFor(room.event({ sender: USER }), room);
    const basis = { authEvents: [...authEvents, ...authEvents.slice(-1)], before: room.lookup(banned) };
    expect(verdictOn({ sender: USER }, basis)).toEqual(rejected(rule.authEvents('1')));
    const rejectedOnes = authEvents.map((event) => ({ ...event, rejected: true }));
    expect(verdictOn({ sender: USER }, { authEvents: rejectedOnes })).toEqual(rejected(rule.authEvents('3')));
  });

  it('rejects by the state that the auth events make, whatever the other states allow', () => {
    const authEvents = citing({ sender: USER }, banned);
    expect(verdictOn({ sender: USER }, { authEvents, current: room.lookup() })).toEqual(
      rejected(rule.joined),
    );
    const topic = { type: 'm.room.topic', sender: MOD, state_key: '' };
    const harder = citing(topic, over({ state_default: 51 }));
    expect(verdictOn(topic, { authEvents: harder })).toEqual(rejected(rule.sendLevel));
  });

  it('takes nothing from the state that no auth event gives', () => {
    const public_ = { before: room.lookup(joinRule('public')), current: room.lookup(joinRule('public')) };
    const event = join('@new:two');
    const withoutRule = selectedFor(room.event(event), room).filter(
      ({ pdu }) => pdu.type !== 'm.room.join_rules',
    );
    expect(verdictOn(event, { ...public_, authEvents: withoutRule })).toEqual(rejected(rule.otherJoin));
    expect(verdictOn(event, { ...public_, authEvents: citing(event, joinRule('public')) })).toEqual([
      'accepted',
    ]);
  });

  it('takes nothing but the create event from the room id', () => {
    const event = join('@new:two');
    const asRule = room.event({ type: 'm.room.create', state_key: '', content: { join_rule: 'public' } });
    const authEvents = selectedFor(room.event(event), room)
      .filter(({ pdu }) => pdu.type !== 'm.room.join_rules')
      .map((one) => (one.pdu.type === 'm.room.create' ? asRule : one));
    const before = room.lookup(joinRule('public'));
    expect(verdictOn(event, { authEvents, create: asRule, before })).toEqual(rejected(rule.otherJoin));
  });

  it('rejects by the state before the event', () => {
    expect(verdictOn({ sender: USER }, { before: room.lookup(banned) })).toEqual(rejected(rule.joined));
    const event = join('@new:two');
    expect(verdictOn(event, { authEvents: citing(event, invited) })).toEqual(rejected(rule.otherJoin));
    expect(
      verdictOn({ sender: USER }, { before: room.lookup(banned), current: room.lookup(banned) }),
    ).toEqual(rejected(rule.joined));
  });

  it('soft-fails by the current state alone', () => {
    const current = room.lookup(banned);
    expect(verdictOn({ sender: USER }, { current })).toEqual(['soft-failed', rule.joined(version)]);
    const kick = member(MOD, USER, 'leave');
    expect(verdictOn(kick, { current: room.lookup(over({ kick: 51 })) })).toEqual([
      'soft-failed',
      rule.leave('5')(version),
    ]);
    expect(verdictOn({ sender: USER }, { current: undefined })).toEqual(['accepted']);
  });

  it('implies the create event by the room id in 12 only', () => {
    const authEvents = selectedFor(room.event({ sender: USER }), room).filter(
      ({ pdu }) => pdu.type !== 'm.room.create',
    );
    expect(verdictOn({ sender: USER }, { authEvents })).toEqual(
      version < 12 ? rejected(rule.roomId) : ['accepted'],
    );
    const unknown = verdictOn({ sender: USER }, { create: undefined });
    expect(unknown).toEqual(version < 12 ? ['accepted'] : rejected(rule.roomId));
    const refused = create && { ...create, rejected: true };
    const byRefused = verdictOn({ sender: USER }, { create: refused });
    expect(byRefused).toEqual(version < 12 ? ['accepted'] : rejected(rule.roomId));
  });
});
