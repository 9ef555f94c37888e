import type { RoomId, UserId } from '@atoll/matrix';
import type { Generated } from 'kysely';

/** Every notice that operators ever sent. */
export interface ServerNoticesTable {
  notice_nid: Generated<number>;
  /** What is asked for again under the same id is the same notice. */
  notice_id: string;
  body: string;
  created_ts: number;
}

/** Whom a notice has not reached yet. */
export interface ServerNoticeDeliveriesTable {
  user_id: UserId;
  notice_nid: number;
  /** When somebody must look at it, ms since 1970 by the database's clock; null when it was given up. */
  next_try_ts: number | null;
  attempts: Generated<number>;
  /** How many of the tries were refused; the others found an outage. */
  refusals: Generated<number>;
}

/** Where a user was told last. */
export interface ServerNoticeRoomsTable {
  user_id: UserId;
  /** Whose room it is. */
  sender_id: UserId;
  room_id: RoomId;
}
