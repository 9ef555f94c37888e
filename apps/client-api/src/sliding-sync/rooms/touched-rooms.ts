import type { StreamPositions } from '@atoll/database';
import type { CombinedStates } from '../combined-config.js';
import type { MatchedRoom } from '../list/match-rooms.js';
import type { ConnectionMemory, RoomMemory } from '../memory/connection-memory.js';

/** A room of which the client does not know everything that it asks for. */
export interface TouchedRoom {
  readonly match: MatchedRoom;
  readonly known: RoomMemory | undefined;
  /** Up to where the client knows the room. */
  readonly from: StreamPositions | undefined;
  readonly isDm: boolean;
  /** More of the newest events are asked for than the client has. */
  readonly isExpanded: boolean;
  /** The user has read further: the counts, where they are told, are others. */
  readonly isRead: boolean;
  /** The state that was asked for until now, when that is another one. */
  readonly hadStates: CombinedStates | undefined;
}

/**
 * Finds the rooms in which something happened or of which more is asked for.
 * @param read those in which the user has read further, where that is told
 */
export function touchedRooms(
  matches: Iterable<MatchedRoom>,
  memory: ConnectionMemory,
  since: StreamPositions | undefined,
  dms: ReadonlySet<string>,
  read: ReadonlySet<number>,
): TouchedRoom[] {
  return Array.from(matches, (match): TouchedRoom[] => {
    const known = memory.rooms.get(match.membership.roomNid);
    const from = known && (known.told ?? since);
    const isDm = dms.has(match.membership.roomId);
    const isExpanded = known !== undefined && match.config.timelineLimit > known.timelineLimit;
    const isOther = known !== undefined && match.config.states.key !== known.states.key;
    const isRead = read.has(match.membership.roomNid);
    const isQuiet = from !== undefined && match.activity <= from.events && !isRead;
    if (isQuiet && known?.isDm === isDm && !isExpanded && !isOther) return [];
    return [{ match, known, from, isDm, isExpanded, isRead, hadStates: isOther ? known.states : undefined }];
  }).flat();
}
