import { authEventIds, type EventId, type RoomEvent } from '@atoll/matrix';

/**
 * Where state resolution finds events. The caller has loaded them; what is missing counts as not there: it has no auth
 * events and is never authorised. A caller that notes which ids were asked for in vain can load them and resolve again.
 */
export interface EventSource {
  /** An event of the room, rejected ones included. */
  get(id: EventId): RoomEvent | undefined;
  /** The `auth_events` of an event. Optional: a cheaper answer than loading the event, for the many unconflicted ones. */
  authEventsOf?(id: EventId): readonly EventId[] | undefined;
}

const NONE: readonly EventId[] = [];

/** The `auth_events` of an event, none for one that is missing. */
export function authEventsOf(id: EventId, source: EventSource): readonly EventId[] {
  const known = source.authEventsOf?.(id);
  if (known !== undefined) return known;
  const event = source.get(id);
  return event === undefined ? NONE : authEventIds(event.pdu);
}
