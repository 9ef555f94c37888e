import type { EventId, RoomEvent } from '@atoll/matrix';
import {
  type AuthorisationVerdict,
  authorizeReceivedEvent,
  authTypesForEvent,
  type RoomVersionRules,
  stateKey,
  type StateLookup,
  type StateMap,
  type StateType,
} from '@atoll/room-rules';
import type { EventCache } from '../room-actor/event-cache.js';

const CREATE: StateType = ['m.room.create', ''];

/** By what an event is authorised. */
export interface PduBasis {
  readonly authEvents: readonly RoomEvent[];
  /** State before the event. */
  readonly before: StateMap;
  /** Current state of the room; the very same map where the event extends the tip. */
  readonly current: StateMap;
}

/**
 * Checks 4 to 6: by its auth events, by the state before it, by the current state. Loads the few state events that count.
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export async function authorizePdu(
  event: RoomEvent,
  { authEvents, before, current }: PduBasis,
  events: EventCache,
  rules: RoomVersionRules,
): Promise<AuthorisationVerdict> {
  const types = [CREATE, ...authTypesForEvent(event.pdu, rules)];
  const now = await lookupIn(current, types, events);
  const create = now(...CREATE);
  if (before === current) return authorizeReceivedEvent(event, { authEvents, create, before: now }, rules);
  const then = await lookupIn(before, types, events);
  return authorizeReceivedEvent(event, { authEvents, create, before: then, current: now }, rules);
}

/** A state by type and key, with these entries of it loaded. */
export async function lookupIn(
  state: StateMap,
  types: readonly StateType[],
  events: EventCache,
): Promise<StateLookup> {
  const loaded = await events.load(types.flatMap(([type, key]) => state.get(stateKey(type, key)) ?? []));
  return (type, key) => loaded.get(state.get(stateKey(type, key)) ?? ('' as EventId));
}
