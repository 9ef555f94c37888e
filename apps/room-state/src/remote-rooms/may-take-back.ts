import { authEventIds, type RoomEvent } from '@atoll/matrix';

/**
 * Whether a leave or ban that came over federation may end the invite or knock of a local user in a room that this server is not in. Nothing
 * of the room is known, so whoever sends it must show to be concerned: an invite is taken back by whoever invited; a knock by somebody who
 * cites it, for only those in the room have seen it.
 */
export function mayTakeBack(held: RoomEvent, { pdu }: RoomEvent): boolean {
  const membership = pdu.content['membership'];
  const isAboutSame = pdu.type === 'm.room.member' && pdu.state_key === held.pdu.state_key;
  if (!isAboutSame || (membership !== 'leave' && membership !== 'ban')) return false;
  if (pdu.sender === pdu.state_key) return true;
  const before = held.pdu.content['membership'];
  if (before === 'invite') return pdu.sender === held.pdu.sender;
  return before === 'knock' && authEventIds(pdu).includes(held.eventId);
}
