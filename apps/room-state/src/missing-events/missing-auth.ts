import type { EventId, ServerName } from '@atoll/matrix';
import type { OutlierIntake, OutlierRoom } from '../outliers/outlier-intake.js';
import { askInTurn } from '../remote-rooms/ask-in-turn.js';
import type { RoomQueries } from './room-queries.js';

/** Brings events that others cite as their authority and this server does not have. */
export class MissingAuth {
  constructor(
    private readonly queries: RoomQueries,
    private readonly intake: OutlierIntake,
  ) {}

  /**
   * Stores what the servers have of an event's auth chain.
   * @throws MatrixError when none of them answers; NotOwnerError
   */
  async bring(
    room: OutlierRoom,
    eventId: EventId,
    servers: readonly ServerName[],
    deadline: number,
  ): Promise<void> {
    const { roomId } = room;
    const texts = await askInTurn(servers, (server) =>
      this.queries.eventAuth({ server, roomId, deadline }, eventId),
    );
    await this.intake.take(room, texts);
  }
}
