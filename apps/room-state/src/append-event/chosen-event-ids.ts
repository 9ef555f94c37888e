import { randomBytes } from 'node:crypto';
import type { EventId, EventReference, ServerName } from '@atoll/matrix';
import { newEventId, type RoomVersionRules } from '@atoll/room-rules';
import type { EventCache } from '../room-actor/event-cache.js';

const OPAQUE_ID_BYTES = 18;

/** The id that a new event of room versions 1 and 2 carries; nothing in the others, whose ids follow from their events. */
export function chosenEventId(serverName: ServerName, rules: RoomVersionRules): { event_id?: EventId } {
  // Nothing random is made in vain: every message comes through here.
  if (rules.eventIds !== 'chosen') return {};
  const eventId = newEventId(randomBytes(OPAQUE_ID_BYTES).toString('base64url'), serverName, rules);
  return eventId === undefined ? {} : { event_id: eventId };
}

/** How a new event names events that the server has: by their ids; where ids are chosen, by hashes of the events as well. */
export async function referencesTo(
  ids: readonly EventId[],
  events: EventCache,
  rules: RoomVersionRules,
): Promise<EventReference[]> {
  if (rules.eventIds !== 'chosen') return [...ids];
  return Array.from((await events.load(ids)).values(), ({ reference }) => reference);
}
