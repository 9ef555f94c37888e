import type { ServerName } from '@atoll/matrix';
import { sql, type Kysely, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { type DestinationFailure, failureOf } from './destination-reader.js';

/** Events of one room that are meant for a destination. */
export interface RoutedRoom {
  readonly destination: ServerName;
  readonly partition: number;
  readonly roomNid: number;
  /** Positions of the first and of the newest of them. */
  readonly first: number;
  readonly newest: number;
}

/** What a destination's row says after routing. */
export interface RoutedDestination {
  readonly destination: ServerName;
  readonly sentPosition: number;
  readonly failure: DestinationFailure | undefined;
}

/** What came of sending to a destination: everything up to the position was acknowledged, or it fails. */
export type Progress = { readonly destination: ServerName; readonly partition: number } & (
  { readonly acknowledged: number } | { readonly failure: DestinationFailure }
);

/** The writes of the federation sender. The transaction must be fenced for every partition they touch. */
export class DestinationTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /**
   * Remembers that a stretch of the stream has events for destinations. One that was owed nothing has acknowledged everything before
   * the first of them, and so has a new one: it is sent nothing older. Repeating it changes nothing.
   */
  async route(rooms: readonly RoutedRoom[]): Promise<RoutedDestination[]> {
    const firsts = new Map<ServerName, RoutedRoom>();
    for (const room of rooms) {
      if (room.first < (firsts.get(room.destination)?.first ?? Infinity)) firsts.set(room.destination, room);
    }
    const destinations = [...firsts.values()];
    await sql`
      INSERT INTO destinations AS d (destination, partition, sent_position)
      SELECT * FROM unnest(${destinations.map((d) => d.destination)}::text[], ${destinations.map((d) => d.partition)}::int[],
        ${destinations.map((d) => d.first - 1)}::bigint[])
      ON CONFLICT (destination) DO UPDATE SET sent_position = excluded.sent_position
      WHERE d.sent_position < excluded.sent_position AND NOT EXISTS (
        SELECT FROM destination_rooms r WHERE r.destination = d.destination AND r.position > d.sent_position)`.execute(
      this.transaction,
    );
    await sql`
      INSERT INTO destination_rooms AS r (destination, room_nid, position)
      SELECT * FROM unnest(${rooms.map((r) => r.destination)}::text[], ${rooms.map((r) => r.roomNid)}::bigint[],
        ${rooms.map((r) => r.newest)}::bigint[])
      ON CONFLICT (destination, room_nid) DO UPDATE SET position = excluded.position
      WHERE r.position < excluded.position`.execute(this.transaction);
    const rows = await this.transaction
      .selectFrom('destinations')
      .select(['destination', 'sent_position', 'failing_since', 'retry_at', 'retry_interval_ms'])
      .where('destination', '=', anyOf([...firsts.keys()]))
      .execute();
    return rows.map((row) => ({
      destination: row.destination,
      sentPosition: row.sent_position,
      failure: failureOf(row),
    }));
  }

  /** The stream was read up to the position for these partitions. A cursor never goes back. */
  async advanceCursors(partitions: readonly number[], position: number): Promise<void> {
    await sql`
      INSERT INTO sender_cursors AS c (partition, position) SELECT unnest(${partitions}::int[]), ${position}::bigint
      ON CONFLICT (partition) DO UPDATE SET position = excluded.position WHERE c.position < excluded.position`.execute(
      this.transaction,
    );
  }

  /** Who acknowledges something fails no longer. */
  async record(progress: readonly Progress[]): Promise<void> {
    const acknowledged = progress.flatMap((one) => ('acknowledged' in one ? [one] : []));
    const failed = progress.flatMap((one) => ('failure' in one ? [one] : []));
    if (acknowledged.length > 0) {
      await sql`
        UPDATE destinations d SET sent_position = GREATEST(d.sent_position, a.position), failing_since = NULL,
          retry_at = NULL, retry_interval_ms = NULL
        FROM unnest(${acknowledged.map((a) => a.destination)}::text[], ${acknowledged.map((a) => a.acknowledged)}::bigint[])
          AS a(destination, position)
        WHERE d.destination = a.destination`.execute(this.transaction);
    }
    if (failed.length > 0) {
      await sql`
        UPDATE destinations d SET failing_since = f.since, retry_at = f.retry_at, retry_interval_ms = f.interval_ms
        FROM unnest(${failed.map((f) => f.destination)}::text[], ${failed.map((f) => f.failure.failingSince)}::bigint[],
          ${failed.map((f) => f.failure.retryAt)}::bigint[], ${failed.map((f) => f.failure.retryIntervalMs)}::bigint[])
          AS f(destination, since, retry_at, interval_ms)
        WHERE d.destination = f.destination`.execute(this.transaction);
    }
  }
}

/**
 * Lets a failing destination be tried at once. Whoever owns it need not agree, so nothing is fenced; announce
 * `DestinationReachable` afterwards.
 * @returns whether it was waiting
 */
export async function clearBackOff(db: Kysely<DatabaseSchema>, destination: ServerName): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('destinations')
    .set({ retry_at: null, retry_interval_ms: null })
    .where('destination', '=', destination)
    .where('retry_at', 'is not', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
