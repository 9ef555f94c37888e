import type { EventId, RoomId, UserId } from '@atoll/matrix';
import type { GeneratedAlways } from 'kysely';

/** An event (with its room), a room or a user that somebody has reported. */
export interface ReportsTable {
  report_id: GeneratedAlways<number>;
  reporter: UserId;
  room_id: RoomId | null;
  event_id: EventId | null;
  user_id: UserId | null;
  reason: string;
  received_ts: number;
}
