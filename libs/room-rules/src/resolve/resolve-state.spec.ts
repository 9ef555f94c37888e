import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EventId, RoomEvent } from '@atoll/matrix';
import { supportedRoomVersions } from '../room-version-rules.js';
import { stateKey, type StateKey, type StateMap } from '../state-map.js';
import type { ResolutionStep } from './iterative-auth-checks.js';
import { resolveByTheText } from './reference/resolve-by-the-text.spec-support.js';
import { resolveState } from './resolve-state.js';
import { RoomHistory, scenario } from './room-history.spec-support.js';

const RUNS = { numRuns: 300 };
const MORE_RUNS = { numRuns: 1000 };
const sorted = (state: StateMap) => [...state].sort();

describe.each(supportedRoomVersions)(
  'state resolution in room version $version, on generated histories',
  (rules) => {
    it('agrees with the text', () => {
      fc.assert(
        fc.property(scenario, (one) => {
          const history = new RoomHistory(rules);
          const states = history.play(one);
          const expected = resolveByTheText(states, history.events, rules);
          expect(sorted(resolveState(states, history.events, rules))).toEqual(sorted(expected));
        }),
        MORE_RUNS,
      );
    });

    it('does not depend on the order of the states, and settles', () => {
      fc.assert(
        fc.property(scenario, (one) => {
          const history = new RoomHistory(rules);
          const states = history.play(one);
          const resolved = resolveState(states, history.events, rules);
          const reversed = resolveState([...states].reverse(), history.events, rules);
          expect(sorted(reversed)).toEqual(sorted(resolved));
          expect(sorted(resolveState([resolved, resolved], history.events, rules))).toEqual(sorted(resolved));
        }),
        RUNS,
      );
    });

    it('lets in nothing that no rule allowed: not even from one who was never in the room', () => {
      fc.assert(
        fc.property(scenario, fc.nat({ max: 3 }), (one, position) => {
          const history = new RoomHistory(rules);
          const states = history.play(one).map((state) => new Map(state));
          const forged = forgedTopic(history, rules.roomIdIsCreateEventId);
          states[position % states.length]?.set(stateKey('m.room.topic', ''), forged.eventId);
          states[(position + 1) % states.length]?.delete(stateKey('m.room.topic', ''));

          const steps: ResolutionStep[] = [];
          const resolved = resolveState(states, history.events, rules, (step) => steps.push(step));
          expect([...resolved.values()]).not.toContain(forged.eventId);
          const replayed = new Map<StateKey, EventId>();
          for (const { key, eventId, rejection } of steps)
            if (rejection === undefined) replayed.set(key, eventId);
          for (const [key, id] of resolved) {
            if (!states.every((state) => state.get(key) === id)) expect(replayed.get(key)).toBe(id);
          }
        }),
        RUNS,
      );
    });

    it('answers without the events that are missing', () => {
      fc.assert(
        fc.property(scenario, fc.nat({ max: 20 }), (one, lost) => {
          const history = new RoomHistory(rules);
          const states = history.play(one);
          const known = new Map([...history.events].filter((_, index) => index % 21 !== lost));
          const resolved = resolveState(states, known, rules);
          const unconflicted = (id: EventId, key: StateKey) => states.every((state) => state.get(key) === id);
          for (const [key, id] of resolved) expect(known.has(id) || unconflicted(id, key)).toBe(true);
        }),
        RUNS,
      );
    });
  },
);

function forgedTopic(history: RoomHistory, createIsImplied: boolean): RoomEvent {
  const [create] = history.events.values();
  const levels = [...history.events.values()].find(({ pdu }) => pdu.type === 'm.room.power_levels');
  if (create === undefined || levels === undefined) throw new Error('a history starts with these');
  const authEvents = createIsImplied ? [levels.eventId] : [create.eventId, levels.eventId];
  const forged: RoomEvent = {
    ...levels,
    eventId: '$forged' as EventId,
    pdu: { ...levels.pdu, type: 'm.room.topic', sender: '@stranger:d' as never, auth_events: authEvents },
  };
  history.events.set(forged.eventId, forged);
  return forged;
}
