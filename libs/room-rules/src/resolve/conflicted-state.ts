import type { EventId } from '@atoll/matrix';
import { splitStateKey, type StateKey, type StateMap } from '../state-map.js';

export interface ConflictedState {
  /** Keys that every state has, with the same event. */
  readonly unconflicted: StateMap;
  /** Every event that stands under any other key, in any state. */
  readonly conflicted: ReadonlySet<EventId>;
}

/** @see https://spec.matrix.org/v1.19/rooms/v12/#definitions unconflicted state map and conflicted state set */
export function splitConflicted(stateSets: readonly StateMap[]): ConflictedState {
  const [first = new Map<StateKey, EventId>(), ...others] = stateSets;
  const unconflicted = new Map<StateKey, EventId>();
  const conflicted = new Set<EventId>();

  for (const [key, id] of first) {
    if (others.every((state) => state.get(key) === id)) unconflicted.set(key, id);
    else conflicted.add(id);
  }
  for (const state of others) {
    for (const [key, id] of state) if (!unconflicted.has(key)) conflicted.add(id);
  }
  return { unconflicted, conflicted };
}

const AUTH_TYPES = new Set(['m.room.create', 'm.room.power_levels', 'm.room.join_rules']);

/**
 * The events to load before `resolveState`, together with their full auth chains: the conflicted ones, and the few others
 * that nearly every check looks at. None when the states agree.
 */
export function eventsNeededForResolution(stateSets: readonly StateMap[]): EventId[] {
  const { unconflicted, conflicted } = splitConflicted(stateSets);
  if (conflicted.size === 0) return [];
  const needed = new Set(conflicted);
  for (const [key, id] of unconflicted) if (AUTH_TYPES.has(splitStateKey(key)[0])) needed.add(id);
  return [...needed];
}
