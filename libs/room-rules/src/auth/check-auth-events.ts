import type { RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { authTypesForEvent } from './auth-types-for-event.js';
import type { Rejection } from './rejection.js';

/**
 * The rule that considers an event's `auth_events` themselves. The caller gives the events that `auth_events` names, all of
 * them: one that cannot be had is the caller's to fetch or to reject.
 * @see https://spec.matrix.org/v1.19/rooms/v11/#authorisation-rules rule 2 (3 in room version 12)
 */
export function checkAuthEvents(
  event: RoomEvent,
  authEvents: readonly RoomEvent[],
  rules: RoomVersionRules,
): Rejection | undefined {
  if (event.pdu.type === 'm.room.create') return undefined;
  const reject = rules.authRules;
  const allowed = authTypesForEvent(event.pdu, rules);

  if (authEvents.some((one, index) => authEvents.slice(0, index).some((other) => hasSameKey(one, other)))) {
    return reject.duplicateAuthEvent;
  }
  if (
    authEvents.some(({ pdu }) => !allowed.some(([type, key]) => pdu.type === type && pdu.state_key === key))
  ) {
    return reject.unexpectedAuthEvent;
  }
  if (authEvents.some((one) => one.rejected)) return reject.rejectedAuthEvent;
  if (!rules.createEventImpliedByRoomId && !authEvents.some(({ pdu }) => pdu.type === 'm.room.create')) {
    return reject.noCreateEvent;
  }
  if (authEvents.some((one) => one.roomId !== event.roomId)) return reject.foreignAuthEvent;
  return undefined;
}

function hasSameKey({ pdu: one }: RoomEvent, { pdu: other }: RoomEvent): boolean {
  return one.type === other.type && one.state_key === other.state_key;
}
