import type { RoomFilters } from '../sliding-request.js';
import type { ListedRoom } from './room-list.js';
import type { RoomTraits } from './room-traits.js';

const NONE: ReadonlySet<string> = new Set();

/**
 * Whether a room passes all filters of a list. A room of which the type is not known, such as one to which there is an invite that says
 * little, has none of the types that are asked for.
 * @see proposals/4186-simplified-sliding-sync.md, "SlidingRoomFilter"
 */
export function roomFilter(
  filters: RoomFilters,
  { dms, types, encrypted, tags, parents }: RoomTraits,
): (room: ListedRoom) => boolean {
  const { isDm, isEncrypted, isInvited } = filters;
  const spaces = setOf(filters.spaces);
  const roomTypes = setOf(filters.roomTypes);
  const notRoomTypes = setOf(filters.notRoomTypes);
  const wanted = setOf(filters.tags);
  const notTags = setOf(filters.notTags);
  return ({ membership: { roomNid, roomId, membership } }) => {
    const type = types.get(roomNid);
    const ofRoom = tags.get(roomId) ?? NONE;
    return (
      (isDm === undefined || dms.has(roomId) === isDm) &&
      (isInvited === undefined || (membership === 'invite') === isInvited) &&
      (isEncrypted === undefined || encrypted.has(roomNid) === isEncrypted) &&
      (roomTypes === undefined || (type !== undefined && roomTypes.has(type))) &&
      (notRoomTypes === undefined || type === undefined || !notRoomTypes.has(type)) &&
      (wanted === undefined || !wanted.isDisjointFrom(ofRoom)) &&
      (notTags === undefined || notTags.isDisjointFrom(ofRoom)) &&
      (spaces === undefined || !spaces.isDisjointFrom(parents.get(roomId) ?? NONE))
    );
  };
}

function setOf<T>(values: readonly T[] | undefined): ReadonlySet<T> | undefined {
  return values && new Set(values);
}
