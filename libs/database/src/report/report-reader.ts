import type { EventId, RoomId, UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

export interface Report {
  readonly reportId: number;
  readonly reporter: UserId;
  readonly roomId: RoomId | null;
  readonly eventId: EventId | null;
  readonly userId: UserId | null;
  readonly reason: string;
  /** ms since 1970 */
  readonly receivedTs: number;
}

/** Reads what users have reported. */
export class ReportReader {
  constructor(private readonly database: Database) {}

  /** The newest ones first. */
  async newest(limit: number): Promise<Report[]> {
    return this.database.db
      .selectFrom('reports')
      .select([
        'report_id as reportId',
        'reporter',
        'room_id as roomId',
        'event_id as eventId',
        'user_id as userId',
        'reason',
        'received_ts as receivedTs',
      ])
      .orderBy('report_id', 'desc')
      .limit(limit)
      .execute();
  }
}
