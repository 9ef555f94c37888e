import type { EventId } from '@atoll/matrix';
import { authEventsOf, type EventSource } from './event-source.js';

const NOTHING: ReadonlySet<EventId> = new Set();

/**
 * The union of the auth chains of some events: all that is reached through `auth_events`, the events themselves only when
 * another one reaches them. The walk does not go into `except`.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions auth chain
 */
export function authChainOf(
  events: Iterable<EventId>,
  source: EventSource,
  except: ReadonlySet<EventId> = NOTHING,
): Set<EventId> {
  const chain = new Set<EventId>();
  const add = (id: EventId) => {
    for (const parent of authEventsOf(id, source)) if (!except.has(parent)) chain.add(parent);
  };
  for (const id of events) add(id);
  // A set gives out what is added while it is iterated over, which makes it the queue of the walk.
  for (const id of chain) add(id);
  return chain;
}

/**
 * Every event on a path of `auth_events` that starts at one of `from`, ends at one of `to` and has at least one step,
 * both ends included.
 */
export function eventsBetween(
  from: Iterable<EventId>,
  to: ReadonlySet<EventId>,
  source: EventSource,
): Set<EventId> {
  const starts = [...from];
  const children = new Map<EventId, EventId[]>();
  const reached = authChainOf(starts, source);
  for (const id of new Set([...starts, ...reached])) {
    for (const parent of authEventsOf(id, source)) {
      const known = children.get(parent);
      if (known === undefined) children.set(parent, [id]);
      else known.push(id);
    }
  }
  const between = new Set<EventId>();
  for (const id of reached) if (to.has(id)) between.add(id);
  for (const id of between) for (const child of children.get(id) ?? []) between.add(child);
  return between;
}
