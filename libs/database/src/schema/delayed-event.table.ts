import type { EventId, RoomId, UserId } from '@atoll/matrix';
import type { Generated } from 'kysely';

/** Events to be sent later, and what became of them. Times are ms since 1970 by the database's clock. */
export interface DelayedEventsTable {
  delay_id: string;
  user_id: UserId;
  /** Of the request that asked for it, see `transactionKey`. */
  transaction_key: Buffer | null;
  room_id: RoomId;
  type: string;
  state_key: string | null;
  /** JSON */
  content: string;
  delay_ms: number;
  /** When it was asked for, or restarted. */
  scheduled_ts: number;
  due_ts: number;
  /** When somebody must look at it: `due_ts`, or the end of a claim. */
  next_try_ts: number;
  /** Somebody sends it or died while doing so. */
  claimed: Generated<boolean>;
  /** How often it was claimed; each claim is known by its number. */
  attempts: Generated<number>;
  finalised_ts: number | null;
  /** Of what was sent. */
  event_id: EventId | null;
  /** JSON: why it was not sent. */
  error: string | null;
}
