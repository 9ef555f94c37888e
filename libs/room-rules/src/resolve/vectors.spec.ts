import { describe, expect, it } from '@jest/globals';
import { prevEventIds, type EventId, type RoomEvent } from '@atoll/matrix';
import { authorizeEvent } from '../auth/authorize-event.js';
import { stateKey, type StateMap } from '../state-map.js';
import { resolveState } from './resolve-state.js';
import { readVector, stateOf, type Vector } from './vectors.spec-support.js';

const BATCHES = [
  'minimal-public-chat',
  'minimal-private-chat',
  'concurrent-joins',
  'origin-server-ts-tiebreak',
  'topic-vs-ban',
  'topic-vs-power-levels',
];
const STATE_MAPS = ['msc4297-problem-a-v2.0', 'msc4297-problem-a-v2.1'];

/** The state after each event, resolved from the states after its `prev_events`; a rejected event changes nothing. */
function statesAfter({ batches, source, rules }: Vector): Map<EventId, StateMap> {
  const after = new Map<EventId, StateMap>();
  for (const event of batches.flat()) {
    const parents = prevEventIds(event.pdu).map((id) => after.get(id) as StateMap);
    const before = resolveState(parents, source, rules);
    const rejection = authorizeEvent(
      event,
      (type, key) => {
        const id = before.get(stateKey(type, key));
        return id === undefined ? undefined : source.get(id);
      },
      rules,
    );
    expect({ event: event.eventId, rejection }).toEqual({ event: event.eventId, rejection: undefined });
    after.set(event.eventId, new Map([...before, ...stateOf([event])]));
  }
  return after;
}

/** The states after the events that no other one of the list follows. */
function statesAtEnds(events: readonly RoomEvent[], after: ReadonlyMap<EventId, StateMap>): StateMap[] {
  const followed = new Set(events.flatMap(({ pdu }) => prevEventIds(pdu)));
  return events
    .filter(({ eventId }) => !followed.has(eventId))
    .map(({ eventId }) => after.get(eventId) as StateMap);
}

const sorted = (state: StateMap) => [...state].sort();

describe.each(BATCHES)('state resolution of %s', (name) => {
  const vector = readVector(name);
  const { batches, source, rules, expected } = vector;
  const after = statesAfter(vector);

  it('follows prev_events, event by event', () => {
    let state: StateMap = new Map();
    for (const event of batches.flat()) {
      const next = after.get(event.eventId) as StateMap;
      state = state.size === 0 ? next : resolveState([state, next], source, rules);
    }
    expect(sorted(state)).toEqual(sorted(expected));
  });

  it('takes batch after batch', () => {
    let state: StateMap | undefined;
    for (const batch of batches) {
      const states = statesAtEnds(batch, after);
      state = resolveState(state === undefined ? states : [state, ...states], source, rules);
    }
    expect(sorted(state ?? new Map())).toEqual(sorted(expected));
  });

  it('takes all events at once', () => {
    const state = resolveState(statesAtEnds(batches.flat(), after), source, rules);
    expect(sorted(state)).toEqual(sorted(expected));
  });
});

describe.each(STATE_MAPS)('state resolution of %s', (name) => {
  const { stateMaps, source, rules, expected } = readVector(name);

  it('resolves the maps in one call', () => {
    expect(sorted(resolveState(stateMaps, source, rules))).toEqual(sorted(expected));
    expect(sorted(resolveState([...stateMaps].reverse(), source, rules))).toEqual(sorted(expected));
  });
});
