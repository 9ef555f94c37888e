import type { EventId, RoomEvent } from '@atoll/matrix';
import { powerLevelOf } from '../auth/power-levels.js';
import type { RoomVersionRules } from '../room-version-rules.js';
import { eventsBetween } from './auth-chain.js';
import { authStateOf } from './auth-state.js';
import { authEventsOf, type EventSource } from './event-source.js';
import { MinHeap } from './min-heap.js';

/** A power event might take from somebody the ability to do something. */
export function isPowerEvent({ pdu }: RoomEvent): boolean {
  if (pdu.state_key === undefined) return false;
  if (pdu.type === 'm.room.power_levels' || pdu.type === 'm.room.join_rules') return true;
  const { membership } = pdu.content;
  return (
    pdu.type === 'm.room.member' &&
    (membership === 'leave' || membership === 'ban') &&
    pdu.sender !== pdu.state_key
  );
}

interface Candidate {
  readonly event: RoomEvent;
  readonly level: number;
}

/**
 * The power events of the full conflicted set, with what their auth chains share with that set, in reverse topological
 * power ordering. Events that only lie between two of them order them but are not in the list.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions reverse topological power ordering
 */
export function powerOrder(
  fullConflicted: ReadonlyMap<EventId, RoomEvent>,
  source: EventSource,
  rules: RoomVersionRules,
): RoomEvent[] {
  const powerEvents = [...fullConflicted].filter(([, event]) => isPowerEvent(event)).map(([id]) => id);
  const nodes = eventsBetween(powerEvents, new Set(fullConflicted.keys()), source);
  for (const id of powerEvents) nodes.add(id);
  return sortTopologically(nodes, fullConflicted, source, rules);
}

/** Kahn's algorithm; a node outside of the full conflicted set is passed through as soon as it is free. */
function sortTopologically(
  nodes: ReadonlySet<EventId>,
  fullConflicted: ReadonlyMap<EventId, RoomEvent>,
  source: EventSource,
  rules: RoomVersionRules,
): RoomEvent[] {
  const waitingFor = new Map<EventId, number>();
  const children = new Map<EventId, EventId[]>();
  for (const id of nodes) {
    const parents = new Set(authEventsOf(id, source).filter((parent) => nodes.has(parent)));
    waitingFor.set(id, parents.size);
    for (const parent of parents) {
      const known = children.get(parent);
      if (known === undefined) children.set(parent, [id]);
      else known.push(id);
    }
  }

  const sorted: RoomEvent[] = [];
  const candidates = new MinHeap<Candidate>(comesFirst);
  const free = [...nodes].filter((id) => waitingFor.get(id) === 0);
  for (;;) {
    for (let id = free.pop(); id !== undefined; id = free.pop()) {
      const event = fullConflicted.get(id);
      if (event === undefined) release(id);
      else candidates.push({ event, level: senderLevel(event, source, rules) });
    }
    const next = candidates.pop();
    if (next === undefined) return sorted;
    sorted.push(next.event);
    release(next.event.eventId);
  }

  function release(id: EventId): void {
    for (const child of children.get(id) ?? []) {
      const left = (waitingFor.get(child) ?? 0) - 1;
      waitingFor.set(child, left);
      if (left === 0) free.push(child);
    }
  }
}

function senderLevel(event: RoomEvent, source: EventSource, rules: RoomVersionRules): number {
  return powerLevelOf(event.pdu.sender, authStateOf(event, source, rules), rules);
}

function comesFirst(one: Candidate, other: Candidate): boolean {
  if (one.level !== other.level) return one.level > other.level;
  return isEarlier(one.event, other.event);
}

/** By `origin_server_ts`, then by event id. */
export function isEarlier(one: RoomEvent, other: RoomEvent): boolean {
  if (one.pdu.origin_server_ts !== other.pdu.origin_server_ts) {
    return one.pdu.origin_server_ts < other.pdu.origin_server_ts;
  }
  return one.eventId < other.eventId;
}
