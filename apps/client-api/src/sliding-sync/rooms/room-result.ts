import type { EventId, JsonObject } from '@atoll/matrix';
import type { UnreadNotifications } from '../../sync/rooms/unread-notifications.js';
import { tellsCounts } from '../sliding-context.js';
import type { SlidingRequest } from '../sliding-request.js';
import type { TouchedRoom } from './touched-rooms.js';

/** What an answer tells of a room, and what the client knows then. */
export interface RoomResult {
  readonly room: TouchedRoom;
  /** Undefined when there is nothing to tell after all. */
  readonly body: JsonObject | undefined;
  /** The client replaces what it knew of the room. */
  readonly isInitial: boolean;
  /** The timeline has events that were told before the client asked for more of them. */
  readonly tellsOlder: boolean;
  /** The client has at least so many of the newest events. */
  readonly timelineLimit: number;
  /** Those in the timeline. */
  readonly eventIds: readonly EventId[];
}

/** The fields that results of all rooms have. @see proposals/4186-simplified-sliding-sync.md, "Common fields" */
export function commonFields(
  request: Pick<SlidingRequest, 'dialect'>,
  { match: { membership, lists } }: TouchedRoom,
  bumpStamp: number | undefined,
  unread?: UnreadNotifications,
): JsonObject {
  return {
    ...(bumpStamp !== undefined && { bump_stamp: bumpStamp }),
    membership: membership.membership,
    ...(lists.length > 0 && { lists: [...lists] }),
    ...(tellsCounts(request) && (unread?.total ?? { notification_count: 0, highlight_count: 0 })),
  };
}

/** The result of a room that the user is not in: its stripped state. */
export function strippedResult(
  request: Pick<SlidingRequest, 'dialect'>,
  room: TouchedRoom,
  events: readonly JsonObject[],
): RoomResult {
  return {
    room,
    body: {
      ...commonFields(request, room, room.match.membership.position),
      initial: true,
      ...(room.isDm && { is_dm: true }),
      [request.dialect === 'stable' ? 'stripped_state' : 'invite_state']: [...events],
    },
    isInitial: true,
    tellsOlder: false,
    timelineLimit: room.match.config.timelineLimit,
    eventIds: [],
  };
}
