import type { EventId, RoomEvent } from '@atoll/matrix';
import {
  authorizeEvent,
  authTypesForEvent,
  checkAuthEvents,
  type Rejection,
  type RoomVersionRules,
  stateKey,
  type StateMap,
} from '@atoll/room-rules';
import type { EventCache } from '../room-actor/event-cache.js';
import type { KnownEvent } from '../room-actor/pending-event.js';

const CREATE = ['m.room.create', ''] as const;

/**
 * Check 4: passes the authorisation rules based on its own auth events; in room versions whose room id names the create
 * event that one counts with them.
 */
export function authorizeByAuthEvents(
  event: RoomEvent,
  authEvents: readonly KnownEvent[],
  create: RoomEvent | undefined,
  rules: RoomVersionRules,
): Rejection | undefined {
  const problem = checkAuthEvents(event, authEvents, rules);
  if (problem) return problem;
  const lookup = (type: string, key: string) =>
    authEvents.find((auth) => auth.pdu.type === type && auth.pdu.state_key === key) ??
    (type === CREATE[0] && rules.createEventImpliedByRoomId ? create : undefined);
  return authorizeEvent(event, lookup, rules);
}

/** Checks 5 and 6: passes the authorisation rules based on a state. */
export async function authorizeByState(
  event: RoomEvent,
  state: StateMap,
  events: EventCache,
  rules: RoomVersionRules,
): Promise<Rejection | undefined> {
  const ids = [CREATE, ...authTypesForEvent(event.pdu, rules)].flatMap(
    ([type, key]) => state.get(stateKey(type, key)) ?? [],
  );
  const loaded = await events.load(ids);
  const lookup = (type: string, key: string) => loaded.get(state.get(stateKey(type, key)) ?? ('' as EventId));
  return authorizeEvent(event, lookup, rules);
}
