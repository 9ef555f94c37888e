import type { EventId } from '@atoll/matrix';
import { eventsBetween } from './auth-chain.js';
import type { EventSource } from './event-source.js';

/** @see https://spec.matrix.org/v1.19/rooms/v12/#definitions conflicted state subgraph */
export function conflictedSubgraph(conflicted: ReadonlySet<EventId>, source: EventSource): Set<EventId> {
  return eventsBetween(conflicted, conflicted, source);
}
