import {
  type EventId,
  prevEventIds,
  type RoomEvent,
  type ServerName,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { splitStateKey } from '@atoll/room-rules';
import type { RemoteRoom } from './remote-room.js';

export interface Walk {
  readonly limit: number;
  /** Not gone into and not among the answer. */
  readonly except?: ReadonlySet<EventId>;
  readonly minDepth?: number;
}

/** Breadth first through `prev_events`, the starting events first. */
export function walkBack(
  room: RemoteRoom,
  from: readonly EventId[],
  { limit, except, minDepth = 0 }: Walk,
): RoomEvent[] {
  const seen = new Set(from);
  const found: RoomEvent[] = [];
  for (const id of seen) {
    if (found.length >= limit) break;
    const event = room.events.get(id);
    if (event === undefined || except?.has(id) || event.pdu.depth < minDepth) continue;
    found.push(event);
    for (const prev of prevEventIds(event.pdu)) seen.add(prev);
  }
  return found;
}

/** Users whose membership in the current state is this one. */
export function usersWith(room: RemoteRoom, membership: string): UserId[] {
  return [...room.state].flatMap(([key, eventId]): UserId[] => {
    const [type, user] = splitStateKey(key);
    const is = type === 'm.room.member' && room.events.get(eventId)?.pdu.content['membership'] === membership;
    return is ? [user as UserId] : [];
  });
}

/** The servers of joined users. */
export function serversIn(room: RemoteRoom): ServerName[] {
  return [...new Set(usersWith(room, 'join').map(serverNameOf))];
}
