import { authEventIds, type EventId, type RoomEvent } from '@atoll/matrix';
import type { StateLookup } from '../auth/state-lookup.js';
import type { RoomVersionRules } from '../room-version-rules.js';
import type { EventSource } from './event-source.js';

/** The state that an event's own `auth_events` make up, rejected ones left out. */
export function authStateOf(event: RoomEvent, source: EventSource, rules: RoomVersionRules): StateLookup {
  return (type, key) => {
    if (rules.createEventImpliedByRoomId && type === 'm.room.create' && key === '') {
      return source.get(`$${event.roomId.slice(1)}` as EventId);
    }
    return authEventOf(event, type, key, source);
  };
}

/** The auth event of a type and a state key, unless it is missing or rejected. */
export function authEventOf(
  event: RoomEvent,
  type: string,
  key: string,
  source: EventSource,
): RoomEvent | undefined {
  for (const id of authEventIds(event.pdu)) {
    const found = source.get(id);
    if (found?.pdu.type === type && found.pdu.state_key === key && !found.rejected) return found;
  }
  return undefined;
}
