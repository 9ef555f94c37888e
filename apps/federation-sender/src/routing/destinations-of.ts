import type { RoomServersChange, StreamedEvent } from '@atoll/database';
import { type ServerName, serverNameOf } from '@atoll/matrix';
import type { RoomServers } from './room-servers.js';

/**
 * The servers that are to be sent an event, other than this one. On the way the room goes from just before the event to just after it.
 *
 * 1. Nobody, unless a user of this server was in the room before: an event that this server made by way of another (a join, a knock, a
 *    refused invite) is brought to the room by that one.
 * 2. Those in the room before the event: who is kicked hears of it, who is denied by a new server ACL too.
 * 3. Those whom the event brings in.
 * 4. The server of a user whose invite or knock it ends, which is not in the room and would not hear of it otherwise.
 * 5. Not the server that the event is from, and none that the server ACL denies.
 */
export function destinationsOf(
  event: Pick<StreamedEvent, 'sender'>,
  room: RoomServers,
  changes: readonly RoomServersChange[],
  self: ServerName,
): Set<ServerName> {
  const wasInRoom = room.has(self);
  const destinations = new Set(wasInRoom ? room.allowed() : []);
  for (const change of changes) {
    const step = room.apply(change);
    if (step === undefined || !wasInRoom || !room.allows(step.server)) continue;
    const endsRequest = step.before === 'invite' || step.before === 'knock';
    if (step.after === 'join' || (endsRequest && step.after !== 'invite')) destinations.add(step.server);
  }
  destinations.delete(self);
  destinations.delete(serverNameOf(event.sender));
  return destinations;
}
