import type { EventId, UserId } from '@atoll/matrix';

/** The `thread_subscriptions` stream: a row for each thread that a user ever subscribed to or unsubscribed from. */
export interface ThreadSubscriptionsTable {
  room_nid: number;
  root_event_id: EventId;
  user_id: UserId;
  /** Whether a client subscribed for the user; null when the user is not subscribed. */
  automatic: boolean | null;
  /** The highest position of the room's events when the user unsubscribed; null while subscribed. */
  unsubscribed_at: number | null;
  /** The lowest one then: backfilled events have negative positions, those that came last the lowest. */
  backfilled_to: number | null;
  /** Of the last change; 0 while the user was never subscribed, which nobody is told. */
  position: number;
}
