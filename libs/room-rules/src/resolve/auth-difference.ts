import type { EventId } from '@atoll/matrix';
import type { StateMap } from '../state-map.js';
import { authChainOf } from './auth-chain.js';
import type { ConflictedState } from './conflicted-state.js';
import type { EventSource } from './event-source.js';

/**
 * The events in the auth chain of some state but not of every state. What unconflicted events reach is in all of them, so
 * that chain is walked once, and the chains of each state's conflicted events only where they leave it.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions auth difference
 */
export function authDifference(
  stateSets: readonly StateMap[],
  { unconflicted, conflicted }: ConflictedState,
  source: EventSource,
): Set<EventId> {
  const shared = authChainOf(unconflicted.values(), source);
  const states = new Map<EventId, number>();
  for (const stateSet of stateSets) {
    const own = [...stateSet.values()].filter((id) => conflicted.has(id));
    for (const id of authChainOf(own, source, shared)) states.set(id, (states.get(id) ?? 0) + 1);
  }
  const difference = new Set<EventId>();
  for (const [id, count] of states) if (count < stateSets.length) difference.add(id);
  return difference;
}
