import type { ServerName, UserId } from '@atoll/matrix';
import { sql, type Kysely, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { DeviceListCursor } from '../device-key/outgoing-device-reader.js';
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
  /** Device lists are owed to it too. */
  readonly owesDeviceLists: boolean;
}

/** Changes of local users' devices that are meant for a destination. */
export interface RoutedDeviceLists {
  readonly destination: ServerName;
  readonly partition: number;
  /** Positions of the first and of the newest of them. */
  readonly first: number;
  readonly newest: number;
}

/** A user whom a destination must be told of, because of a join at this position. */
export interface Introduction {
  readonly userId: UserId;
  readonly position: number;
}

/** What a destination has acknowledged of device lists. */
export interface DeviceListProgress {
  /** Changes up to this position. */
  readonly upTo: number | undefined;
  readonly introductions: readonly Introduction[];
}

/**
 * What came of sending to a destination: events up to the position, messages to devices up to one of theirs, and device lists were
 * acknowledged, or it fails.
 */
export type Progress = { readonly destination: ServerName; readonly partition: number } & (
  | {
      readonly acknowledged: number;
      readonly toDevice?: number;
      readonly deviceLists?: DeviceListProgress | undefined;
    }
  | { readonly failure: DestinationFailure }
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
      .select((eb) => [
        'destination',
        'sent_position',
        'failing_since',
        'retry_at',
        'retry_interval_ms',
        eb('device_lists_newest', '>', eb.ref('device_lists_sent')).as('owesDeviceLists'),
      ])
      .where('destination', '=', anyOf([...firsts.keys()]))
      .execute();
    return rows.map((row) => ({
      destination: row.destination,
      sentPosition: row.sent_position,
      failure: failureOf(row),
      owesDeviceLists: row.owesDeviceLists === true,
    }));
  }

  /** Like {@link route}, of changes of device lists. */
  async routeDeviceLists(routes: readonly RoutedDeviceLists[]): Promise<void> {
    await sql`
      INSERT INTO destinations AS d (destination, partition, sent_position, device_lists_newest, device_lists_sent)
      SELECT r.destination, r.partition, 0, r.newest, r.first - 1
      FROM unnest(${routes.map((r) => r.destination)}::text[], ${routes.map((r) => r.partition)}::int[],
        ${routes.map((r) => r.newest)}::bigint[], ${routes.map((r) => r.first)}::bigint[]) AS r (destination, partition, newest, first)
      ON CONFLICT (destination) DO UPDATE SET
        device_lists_newest = GREATEST(d.device_lists_newest, excluded.device_lists_newest),
        device_lists_sent = CASE WHEN d.device_lists_newest > d.device_lists_sent THEN d.device_lists_sent
          ELSE GREATEST(d.device_lists_sent, excluded.device_lists_sent) END`.execute(this.transaction);
  }

  /** Remembers that a destination must be told of users. */
  async introduce(destination: ServerName, partition: number, users: readonly Introduction[]): Promise<void> {
    await sql`
      INSERT INTO destinations (destination, partition, sent_position) VALUES (${destination}, ${partition}, 0)
      ON CONFLICT DO NOTHING`.execute(this.transaction);
    await sql`
      INSERT INTO device_list_introductions AS i (destination, user_id, position)
      SELECT ${destination}, u.user_id, max(u.position) FROM ${introductionRows(users)} GROUP BY u.user_id
      ON CONFLICT (destination, user_id) DO UPDATE SET position = GREATEST(i.position, excluded.position)`.execute(
      this.transaction,
    );
  }

  /** Device changes and events were read up to these positions for the partitions. A cursor never goes back. */
  async advanceDeviceListCursors(
    partitions: readonly number[],
    { position, eventsPosition }: DeviceListCursor,
  ): Promise<void> {
    await sql`
      INSERT INTO device_list_cursors AS c (partition, position, events_position)
      SELECT unnest(${partitions}::int[]), ${position}::bigint, ${eventsPosition}::bigint
      ON CONFLICT (partition) DO UPDATE SET position = GREATEST(c.position, excluded.position),
        events_position = GREATEST(c.events_position, excluded.events_position)`.execute(this.transaction);
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
        UPDATE destinations d SET sent_position = GREATEST(d.sent_position, a.position),
          device_lists_sent = GREATEST(d.device_lists_sent, a.device_lists), failing_since = NULL, retry_at = NULL,
          retry_interval_ms = NULL
        FROM unnest(${acknowledged.map((a) => a.destination)}::text[], ${acknowledged.map((a) => a.acknowledged)}::bigint[],
          ${acknowledged.map((a) => a.deviceLists?.upTo ?? 0)}::bigint[]) AS a (destination, position, device_lists)
        WHERE d.destination = a.destination`.execute(this.transaction);
    }
    const delivered = acknowledged.filter(({ toDevice = 0 }) => toDevice > 0);
    if (delivered.length > 0) {
      await sql`
        DELETE FROM outgoing_to_device o
        USING unnest(${delivered.map((a) => a.destination)}::text[], ${delivered.map((a) => a.toDevice)}::bigint[])
          AS a(destination, position)
        WHERE o.destination = a.destination AND o.position <= a.position`.execute(this.transaction);
    }
    for (const { destination, deviceLists } of acknowledged) {
      if (deviceLists === undefined || deviceLists.introductions.length === 0) continue;
      await sql`
        DELETE FROM device_list_introductions i USING ${introductionRows(deviceLists.introductions)}
        WHERE i.destination = ${destination} AND i.user_id = u.user_id AND i.position <= u.position`.execute(
        this.transaction,
      );
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

function introductionRows(users: readonly Introduction[]) {
  return sql`unnest(${users.map(({ userId }) => userId)}::text[], ${users.map(({ position }) => position)}::bigint[])
    AS u (user_id, position)`;
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
