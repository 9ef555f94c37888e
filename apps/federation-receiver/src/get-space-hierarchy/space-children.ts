import type { EventText } from '@atoll/database';
import { isRoomId, type JsonObject, type Pdu, type RoomId } from '@atoll/matrix';
import { servedPdu } from '../room-access/served-pdu.js';

/** A room that belongs to a space, and the event that says so, as other servers are told it. */
export interface SpaceChild {
  readonly roomId: RoomId;
  readonly stripped: JsonObject;
}

/**
 * The children that `m.space.child` events name; without servers to join through, a room is no child.
 * @see https://spec.matrix.org/v1.19/client-server-api/#mspacechild
 */
export function spaceChildren(events: readonly EventText[], suggestedOnly: boolean): SpaceChild[] {
  return events.map(servedPdu).flatMap((pdu) => {
    const { state_key: roomId, content } = pdu;
    if (!isRoomId(roomId) || !isRoute(content['via'])) return [];
    if (suggestedOnly && content['suggested'] !== true) return [];
    return [{ roomId, stripped: strippedState(pdu) }];
  });
}

const isRoute = (via: unknown) => Array.isArray(via) && via.every((server) => typeof server === 'string');

function strippedState({ type, state_key, content, sender, origin_server_ts }: Pdu): JsonObject {
  return { type, state_key, content, sender, origin_server_ts };
}
