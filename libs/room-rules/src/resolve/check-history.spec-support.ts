import { deepStrictEqual, ok } from 'node:assert/strict';
import type { EventId, RoomEvent, UserId } from '@atoll/matrix';
import { authTypesForEvent } from '../auth/auth-types-for-event.js';
import { authorizeEvent } from '../auth/authorize-event.js';
import type { RoomVersionRules } from '../room-version-rules.js';
import { stateKey, type StateKey, type StateMap } from '../state-map.js';
import { authChainOf } from './auth-chain.js';
import { authStateOf } from './auth-state.js';
import { explainResolution } from './explain-resolution.js';
import { resolveByTheText } from './reference/resolve-by-the-text.spec-support.js';
import { resolveV1ByTheText } from './reference/resolve-v1-by-the-text.spec-support.js';
import type { ResolutionStep } from './resolution-step.js';
import { resolveState } from './resolve-state.js';
import { ADMIN, CREATOR, RoomHistory } from './room-history.spec-support.js';
import type { Scenario } from './scenario.spec-support.js';

const sorted = (state: StateMap) => [...state].sort();
const STRANGER = '@stranger:evil';
const MALLORY = '@mallory:evil';

/**
 * All that must hold of the resolution of one generated history.
 * @throws AssertionError
 */
export function checkHistory(scenario: Scenario, rules: RoomVersionRules): void {
  const history = new RoomHistory(rules);
  const states = history.play(scenario);
  const { events } = history;
  const resolve = (sets: readonly StateMap[]) => sorted(resolveState(sets, events, rules));
  const steps: ResolutionStep[] = [];
  const state = resolveState(states, events, rules, (step) => steps.push(step));

  const reference = rules.stateResolution === 'v1' ? resolveV1ByTheText : resolveByTheText;
  deepStrictEqual(sorted(state), sorted(reference(states, events, rules)), 'agrees with the text');
  deepStrictEqual(resolve([...states].reverse()), sorted(state), 'whatever the order of the states');
  deepStrictEqual(resolve([...states, ...states]), sorted(state), 'however often a state is given');
  deepStrictEqual(resolve([state, state]), sorted(state), 'settles');
  checkOrigin(state, states, events);
  if (rules.stateResolution === 'v1') return;
  checkReplay(state, states, steps, events, rules);
  checkStranger(history, states, rules);
}

/** Nothing comes out that no state had and nothing in the states was authorised by. */
function checkOrigin(
  state: StateMap,
  states: readonly StateMap[],
  events: ReadonlyMap<EventId, RoomEvent>,
): void {
  const ids = states.flatMap((one) => [...one.values()]);
  const known = new Set([...ids, ...authChainOf(ids, events)]);
  for (const id of state.values()) ok(known.has(id), `${id} came from nowhere`);
}

/** Replayed by the rules alone, the steps build the state: each event that came out was allowed when it was its turn. */
function checkReplay(
  state: StateMap,
  states: readonly StateMap[],
  steps: readonly ResolutionStep[],
  events: ReadonlyMap<EventId, RoomEvent>,
  rules: RoomVersionRules,
): void {
  const [first = new Map<StateKey, EventId>(), ...others] = states;
  const unconflicted = [...first].filter(([key, id]) => others.every((one) => one.get(key) === id));
  const built = new Map<StateKey, EventId>(rules.stateResolution === 'v2' ? unconflicted : []);
  for (const { eventId, key, rejection } of steps) {
    const event = events.get(eventId) as RoomEvent;
    const own = authStateOf(event, events, rules);
    const lookup = (type: string, name: string) => {
      const id = built.get(stateKey(type, name));
      return id === undefined ? own(type, name) : events.get(id);
    };
    deepStrictEqual(authorizeEvent(event, lookup, rules), rejection, `step of ${eventId}`);
    if (rejection === undefined) built.set(key, eventId);
  }
  // Where all states agree nothing was in conflict, and nothing replayed.
  const agreed = new Map(unconflicted);
  deepStrictEqual(sorted(new Map([...built, ...agreed])), sorted(state), 'the steps build the state');
}

/** What one who was never in the room has put into some states is in none of the others, and not in what comes out. */
function checkStranger(history: RoomHistory, states: readonly StateMap[], rules: RoomVersionRules): void {
  const isLevels = ({ pdu }: RoomEvent) => pdu.type === 'm.room.power_levels';
  const real = [...history.events.values()].find(isLevels) as RoomEvent;
  const contents = {
    'm.room.topic': { topic: 'mine' },
    'm.room.power_levels': { users: { [STRANGER]: 100 } },
    'm.room.join_rules': { join_rule: 'public' },
  };
  const forgedStates = states.map((one) => new Map(one));
  const forgedIds = new Set<EventId>();
  const events = new Map(history.events);
  for (const [type, content] of Object.entries(contents)) {
    const eventId = `$forged${type}` as EventId;
    const pdu = { ...real.pdu, type, content, sender: STRANGER as UserId, origin_server_ts: 0 };
    events.set(eventId, { ...real, eventId, pdu, rejected: false });
    forgedIds.add(eventId);
    forgedStates[0]?.set(stateKey(type, ''), eventId);
  }
  const resolved = resolveState(forgedStates, events, rules);
  for (const id of resolved.values()) ok(!forgedIds.has(id), `${id} of a stranger came out`);
}

/**
 * A banned user's server sends what the user might have sent before the ban: nothing of it comes out, and the ban stays. This
 * holds as long as nothing that the ban itself rests on is replayed: the algorithm may apply an old demotion that had lost,
 * or a stricter join rule, before the ban. Not for version 1, whose text names it among its known faults.
 * @returns whether the scenario had somebody who could ban, undisputed
 * @throws AssertionError
 */
export function checkBannedSender(scenario: Scenario, rules: RoomVersionRules): boolean {
  const history = new RoomHistory(rules, MALLORY);
  const actions = scenario.actions.map((action) => ({
    ...action,
    authFromBack: undefined,
    citesRejected: undefined,
  }));
  history.play({ actions, picks: [], mistakes: [] });
  const { room } = history;
  const banBy = (sender: string) =>
    room.add({ type: 'm.room.member', key: MALLORY, sender, content: { membership: 'ban' } });
  const ban = [CREATOR, ADMIN].map(banBy).find(({ rejected }) => !rejected);
  if (ban === undefined) return false;

  const before = room.pathTo(ban.eventId).slice(0, -1);
  const basis = [
    ['m.room.create', ''] as const,
    ...authTypesForEvent(ban.pdu, rules),
    ['m.room.join_rules', ''] as const,
  ];
  const last = room.stateAfter(before.at(-1) as EventId);
  const isUndisputed = (id: EventId) =>
    basis.every(
      ([type, key]) => room.stateAfter(id).get(stateKey(type, key)) === last.get(stateKey(type, key)),
    );
  const forks = before.filter(isUndisputed);
  let tip = forks[(scenario.picks[0] ?? 0) % forks.length] as EventId;
  const attempts: [type: string, key: string, content: object][] = [
    ['m.room.power_levels', '', { users: { [MALLORY]: 100 } }],
    ['m.room.join_rules', '', { join_rule: 'public' }],
    ['m.room.member', ADMIN, { membership: 'ban' }],
    ['m.room.member', MALLORY, { membership: 'join', displayname: 'back' }],
    ['m.room.topic', '', { topic: 'mine' }],
  ];
  for (const [index, [type, key, content]] of attempts.entries()) {
    const delay = -50 * index;
    const attempt = { type, key, sender: MALLORY, content: content as never, after: [tip], delay };
    const event = room.add(attempt);
    if (!event.rejected) tip = event.eventId;
  }
  const states = [room.stateAfter(ban.eventId), room.stateAfter(tip)];
  const { state, keys } = explainResolution(states, history.events, rules);
  const isOfBasis = (key: StateKey) => basis.some(([type, name]) => key === stateKey(type, name));
  const isReplayed = ({ eventId, rejection }: ResolutionStep) =>
    eventId !== ban.eventId && rejection === undefined && history.events.get(eventId)?.pdu.sender !== MALLORY;
  if (keys.some(({ key, steps }) => isOfBasis(key) && steps.some(isReplayed))) return false;
  deepStrictEqual(state.get(stateKey('m.room.member', MALLORY)), ban.eventId, 'the ban stays');
  for (const id of state.values()) {
    ok(id === ban.eventId || history.events.get(id)?.pdu.sender !== MALLORY, `${id} came out`);
  }
  return true;
}
