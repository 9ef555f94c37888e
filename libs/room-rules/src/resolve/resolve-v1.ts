import { hash } from 'node:crypto';
import type { EventId, RoomEvent } from '@atoll/matrix';
import { authorizeEvent } from '../auth/authorize-event.js';
import type { Rejection } from '../auth/rejection.js';
import type { RoomVersionRules } from '../room-version-rules.js';
import { splitStateKey, stateKey, type StateKey, type StateMap } from '../state-map.js';
import type { EventSource } from './event-source.js';
import type { Explain } from './resolution-step.js';

/** In this order, because each may decide who could send the next; all other keys come last. */
const AUTH_TYPES = ['m.room.power_levels', 'm.room.join_rules', 'm.room.member'] as const;

type Check = (event: RoomEvent, predecessor?: RoomEvent) => Rejection | undefined;

/**
 * State resolution of room version 1. Where its text leaves a choice, this does as the servers do that these rooms live on: the
 * conflicts of one pass do not see each other's outcome, and a key whose events are all refused keeps its oldest.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#state-resolution
 */
export function resolveStateV1(
  stateSets: readonly StateMap[],
  source: EventSource,
  rules: RoomVersionRules,
  explain?: Explain,
): StateMap {
  const { resolved, conflicts } = splitDiffering(stateSets, source);
  const passes = [...AUTH_TYPES, undefined].map((type) =>
    [...conflicts].filter(([key]) => authTypeOf(key) === type),
  );
  for (const [index, pass] of passes.entries()) {
    const phase = AUTH_TYPES[index] ?? 'others';
    const outcomes = pass.map(([key, events]) => {
      const check: Check = (event, predecessor) => {
        const rejection = authorizeEvent(event, lookup(resolved, source, key, predecessor), rules);
        explain?.({ phase, eventId: event.eventId, key, rejection });
        return rejection;
      };
      const chosen = phase === 'others' ? newestAllowed(events, check) : lastOfAllowedRun(events, check);
      return [key, chosen.eventId] as const;
    });
    for (const [key, eventId] of outcomes) resolved.set(key, eventId);
  }
  return resolved;
}

type Conflict = readonly [RoomEvent, ...RoomEvent[]];

/** Keys with one event in all states that have the key, and the known events of the others, oldest first. */
function splitDiffering(stateSets: readonly StateMap[], source: EventSource) {
  const candidates = new Map<StateKey, Set<EventId>>();
  for (const state of stateSets) {
    for (const [key, id] of state) {
      const known = candidates.get(key);
      if (known === undefined) candidates.set(key, new Set([id]));
      else known.add(id);
    }
  }
  const resolved = new Map<StateKey, EventId>();
  const conflicts = new Map<StateKey, Conflict>();
  for (const [key, ids] of candidates) {
    const [only] = ids;
    if (ids.size === 1 && only !== undefined) resolved.set(key, only);
    const events = ids.size === 1 ? [] : oldestFirst([...ids].flatMap((id) => source.get(id) ?? []));
    if (isConflict(events)) conflicts.set(key, events);
  }
  return { resolved, conflicts };
}

const isConflict = (events: readonly RoomEvent[]): events is Conflict => events.length > 0;

function authTypeOf(key: StateKey): (typeof AUTH_TYPES)[number] | undefined {
  const [type] = splitStateKey(key);
  return AUTH_TYPES.find((one) => one === type);
}

/** By ascending `depth`, then by descending SHA-1 of the event id. */
function oldestFirst(events: readonly RoomEvent[]): RoomEvent[] {
  return events
    .map((event) => ({ event, sha1: hash('sha1', event.eventId, 'hex') }))
    .sort((one, other) => one.event.pdu.depth - other.event.pdu.depth || (one.sha1 < other.sha1 ? 1 : -1))
    .map(({ event }) => event);
}

/** The first is taken as it is; each other one as long as the room, with the one before it, allows it. */
function lastOfAllowedRun([first, ...others]: Conflict, check: Check): RoomEvent {
  let chosen = first;
  for (const event of others) {
    if (check(event, chosen) !== undefined) break;
    chosen = event;
  }
  return chosen;
}

function newestAllowed(events: Conflict, check: Check): RoomEvent {
  return events.findLast((event) => check(event) === undefined) ?? events[0];
}

/** The room as far as it is resolved, with `predecessor` under the key in question. */
function lookup(
  resolved: StateMap,
  source: EventSource,
  conflicted: StateKey,
  predecessor: RoomEvent | undefined,
): (type: string, key: string) => RoomEvent | undefined {
  return (type, key) => {
    const joined = stateKey(type, key);
    if (joined === conflicted && predecessor !== undefined) return predecessor;
    const id = resolved.get(joined);
    return id === undefined ? undefined : source.get(id);
  };
}
