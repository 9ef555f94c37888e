import type { EventId, JsonObject, RoomId, UserId } from '@atoll/matrix';
import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { DelayedEventsTable } from '../schema/delayed-event.table.js';

/** What a user wants sent. */
export interface EventToSend {
  readonly userId: UserId;
  readonly roomId: RoomId;
  readonly type: string;
  /** Of a state event. */
  readonly stateKey?: string;
  readonly content: JsonObject;
}

/** What became of a delayed event: it was sent, it was not because of an error, or, with neither, its user cancelled it. */
export interface Finalised {
  /** ms since 1970 */
  readonly ts: number;
  readonly eventId?: EventId;
  readonly error?: JsonObject;
}

/** An event to be sent later, or what became of it. Times are ms since 1970 by the database's clock. */
export interface DelayedEvent extends EventToSend {
  readonly delayId: string;
  readonly delayMs: number;
  /** When it was asked for, or restarted. */
  readonly scheduledTs: number;
  readonly finalised?: Finalised;
}

type Row = Pick<
  Selectable<DelayedEventsTable>,
  (typeof DELAYED_EVENT_COLUMNS)[number] extends `d.${infer Column extends keyof DelayedEventsTable}`
    ? Column
    : never
>;

/** The columns from which `toDelayedEvent` builds, of the table under the name of `d`. */
export const DELAYED_EVENT_COLUMNS = [
  'd.delay_id',
  'd.user_id',
  'd.room_id',
  'd.type',
  'd.state_key',
  'd.content',
  'd.delay_ms',
  'd.scheduled_ts',
  'd.finalised_ts',
  'd.event_id',
  'd.error',
] as const;

export function toDelayedEvent(row: Row): DelayedEvent {
  return {
    delayId: row.delay_id,
    userId: row.user_id,
    roomId: row.room_id,
    type: row.type,
    ...(row.state_key !== null && { stateKey: row.state_key }),
    content: JSON.parse(row.content) as JsonObject,
    delayMs: row.delay_ms,
    scheduledTs: row.scheduled_ts,
    ...(row.finalised_ts !== null && {
      finalised: {
        ts: row.finalised_ts,
        ...(row.event_id !== null && { eventId: row.event_id }),
        ...(row.error !== null && { error: JSON.parse(row.error) as JsonObject }),
      },
    }),
  };
}

/** The database's time in ms when it got the statement: the same all through it, so that an index can be asked with it. */
export const NOW_MS: RawBuilder<number> = sql`floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint`;
