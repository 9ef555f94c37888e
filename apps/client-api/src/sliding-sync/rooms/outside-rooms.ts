import { EventReader } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import { toStrippedState } from '../../events/client-event.js';
import { StrippedRooms } from '../../sync/rooms/stripped-rooms.js';
import type { SlidingContext } from '../sliding-context.js';
import type { TouchedPlans } from './plan-touched.js';
import { type RoomResult, strippedResult } from './room-result.js';

/** Makes the results of rooms that the user is not in: invites, knocks, and what became of them. */
@Injectable()
export class OutsideRooms {
  constructor(
    private readonly stripped: StrippedRooms,
    private readonly events: EventReader,
  ) {}

  async load(
    { request, ignored }: SlidingContext,
    { stripped, declined }: Pick<TouchedPlans, 'stripped' | 'declined'>,
  ): Promise<RoomResult[]> {
    const [states, departures] = await Promise.all([
      this.stripped.load(
        request.userId,
        stripped.map(({ plan }) => plan),
        ignored,
      ),
      this.events.byNids(declined.map(({ match }) => match.membership.eventNid)),
    ]);
    const byRoom = new Map(states.map(({ roomId, events }) => [roomId, events]));
    const pending = stripped.flatMap(({ room }) => {
      const events = byRoom.get(room.match.membership.roomId);
      return events === undefined ? [] : [strippedResult(request, room, events)];
    });
    // Of the room as it was then, the user may know no more than the own membership.
    const over = declined.map((room) => {
      const own = departures.get(room.match.membership.eventNid);
      // A membership that a state resolution removed has the event which caused that in its place: nobody's business.
      const isOwn = own?.pdu.type === 'm.room.member' && own.pdu.state_key === request.userId;
      return strippedResult(request, room, isOwn ? [toStrippedState(own)] : []);
    });
    return [...pending, ...over];
  }
}
