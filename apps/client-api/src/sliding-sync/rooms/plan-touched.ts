import type { StreamPositions, TimelineValue } from '@atoll/database';
import {
  type PlanInput,
  planLeft,
  planRooms,
  type RoomPlan,
  type StrippedPlan,
} from '../../sync/rooms/room-plan.js';
import { isLeft } from '../list/room-list.js';
import type { TouchedRoom } from './touched-rooms.js';

/** What is told of each room. */
export interface TouchedPlans {
  /** Those that the user is or was in. */
  readonly rooms: readonly PlannedRoom[];
  /** Those that the user is invited to or knocks on. */
  readonly stripped: readonly { readonly room: TouchedRoom; readonly plan: StrippedPlan }[];
  /** Those that the user was never in and is not invited to any more. */
  readonly declined: readonly TouchedRoom[];
}

export interface PlannedRoom {
  readonly room: TouchedRoom;
  readonly plan: RoomPlan;
}

/** Whether the plan depends on more than the present membership. */
export function needsHistory({ match: { membership }, from }: TouchedRoom): boolean {
  return isLeft(membership) || (from !== undefined && membership.position > from.events);
}

/** Plans each room as a `/v3/sync` since the point up to which the client knows that room would. */
export function planTouched(
  touched: readonly TouchedRoom[],
  to: StreamPositions,
  histories: ReadonlyMap<number, readonly TimelineValue[]>,
): TouchedPlans {
  const rooms: PlannedRoom[] = [];
  const stripped: { room: TouchedRoom; plan: StrippedPlan }[] = [];
  const declined: TouchedRoom[] = [];
  for (const room of touched) {
    const { membership } = room.match;
    const { roomNid } = membership;
    if (isLeft(membership) && !wasJoined(histories.get(roomNid), to.events)) {
      if (room.from !== undefined && membership.position > room.from.events) declined.push(room);
      continue;
    }
    const input: PlanInput = {
      since: room.from?.events,
      to: to.events,
      fullState: false,
      includesLeft: true,
      memberships: [membership],
      histories,
      changed: new Set([roomNid]),
      annotated: new Set(),
      stirred: new Set(),
    };
    // The client knows of the leave, and asks for more than it has.
    const isWidened = isLeft(membership) && membership.position <= (room.from?.events ?? 0);
    const plans = isWidened ? { rooms: [planLeft(membership, input)], stripped: [] } : planRooms(input);
    for (const plan of plans.rooms) rooms.push({ room, plan: expanded(room, plan) });
    for (const plan of plans.stripped) stripped.push({ room, plan });
  }
  return { rooms, stripped, declined };
}

/** Of a room with an expanded timeline the newest events are told, known or not. */
function expanded({ isExpanded }: TouchedRoom, plan: RoomPlan): RoomPlan {
  return isExpanded ? { ...plan, timeline: { ...plan.timeline, from: 0 } } : plan;
}

function wasJoined(history: readonly TimelineValue[] = [], to: number): boolean {
  return history.some(({ from, value }) => value === 'join' && from <= to);
}
