import type { EventId, RoomId, UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** What is reported: an event of a room, a room, or a user. */
export type Reported = { readonly roomId: RoomId; readonly eventId?: EventId } | { readonly userId: UserId };

/** Keeps what users report. */
export class ReportTransactor {
  constructor(private readonly database: Database) {}

  async add(reporter: UserId, reported: Reported, reason: string): Promise<void> {
    await this.database.db
      .insertInto('reports')
      .values({
        reporter,
        room_id: 'roomId' in reported ? reported.roomId : null,
        event_id: 'roomId' in reported ? (reported.eventId ?? null) : null,
        user_id: 'userId' in reported ? reported.userId : null,
        reason,
        received_ts: Date.now(),
      })
      .execute();
  }
}
