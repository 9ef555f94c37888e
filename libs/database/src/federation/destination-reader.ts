import type { ServerName } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** Why, since when and for how long a destination is not tried. Times are ms since 1970. */
export interface DestinationFailure {
  readonly failingSince: number;
  readonly retryAt: number;
  readonly retryIntervalMs: number;
}

/** A destination that something is owed to. */
export interface OwedDestination {
  readonly destination: ServerName;
  readonly partition: number;
  /** Undefined while all is well; without its `retryAt` it may be tried at once. */
  readonly failure: DestinationFailure | undefined;
}

/** One line of what an operator wants to know of a destination. */
export interface DestinationSummary {
  readonly destination: ServerName;
  readonly sentPosition: number;
  readonly pendingRooms: number;
  readonly failingSince: number | null;
  readonly retryAt: number | null;
}

/** Destinations that one look finds. */
const MAX_FOUND = 1_000;

/** What is known of the servers that this server sends to. */
export class DestinationReader {
  constructor(private readonly database: Database) {}

  /** Up to which position the stream was read for each of the partitions: 0 for those that were never owned. */
  async cursors(partitions: readonly number[]): Promise<Map<number, number>> {
    const rows = await this.database.db
      .selectFrom('sender_cursors')
      .select(['partition', 'position'])
      .where('partition', '=', anyOf(partitions))
      .execute();
    const known = new Map(rows.map(({ partition, position }) => [partition, position]));
    return new Map(partitions.map((partition) => [partition, known.get(partition) ?? 0]));
  }

  /** Destinations whose back-off is over, those that wait longest first; at most 1,000. */
  async retriable(partitions: readonly number[], now: number): Promise<OwedDestination[]> {
    return this.owed()
      .where('d.partition', '=', anyOf(partitions))
      .where('d.failing_since', 'is not', null)
      .where((or) => or.or([or('d.retry_at', 'is', null), or('d.retry_at', '<=', now)]))
      .orderBy(sql`d.retry_at NULLS FIRST`)
      .limit(MAX_FOUND)
      .execute()
      .then(toOwed);
  }

  /** Every destination of the partitions that is owed something and is not failing. */
  async owedAndWell(partitions: readonly number[]): Promise<OwedDestination[]> {
    return this.owed()
      .where('d.partition', '=', anyOf(partitions))
      .where('d.failing_since', 'is', null)
      .execute()
      .then(toOwed);
  }

  /** The destination, if something is owed to it. */
  async owedTo(destination: ServerName): Promise<OwedDestination | undefined> {
    const rows = await this.owed().where('d.destination', '=', destination).execute();
    return toOwed(rows)[0];
  }

  /** Those of the destinations that fail. */
  async failuresOf(destinations: readonly ServerName[]): Promise<Map<ServerName, DestinationFailure>> {
    if (destinations.length === 0) return new Map();
    const rows = await this.database.db
      .selectFrom('destinations')
      .select(['destination', 'failing_since', 'retry_at', 'retry_interval_ms'])
      .where('destination', '=', anyOf(destinations))
      .where('failing_since', 'is not', null)
      .execute();
    return new Map(
      rows.flatMap(({ destination, ...row }) => {
        const failure = failureOf(row);
        return failure === undefined ? [] : [[destination, failure]];
      }),
    );
  }

  async countFailing(partitions: readonly number[]): Promise<number> {
    const { count } = await this.database.db
      .selectFrom('destinations')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('partition', '=', anyOf(partitions))
      .where('failing_since', 'is not', null)
      .executeTakeFirstOrThrow();
    return count;
  }

  /** All destinations by name. */
  async list(): Promise<DestinationSummary[]> {
    return this.database.db
      .selectFrom('destinations as d')
      .select((eb) => [
        'd.destination',
        'd.sent_position as sentPosition',
        'd.failing_since as failingSince',
        'd.retry_at as retryAt',
        eb
          .selectFrom('destination_rooms as r')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .whereRef('r.destination', '=', 'd.destination')
          .whereRef('r.position', '>', 'd.sent_position')
          .$asScalar()
          .$notNull()
          .as('pendingRooms'),
      ])
      .orderBy('d.destination')
      .execute();
  }

  private owed() {
    return this.database.db
      .selectFrom('destinations as d')
      .select(['d.destination', 'd.partition', 'd.failing_since', 'd.retry_at', 'd.retry_interval_ms'])
      .where((eb) =>
        eb.or([
          eb.exists(
            eb
              .selectFrom('destination_rooms as r')
              .select('r.room_nid')
              .whereRef('r.destination', '=', 'd.destination')
              .whereRef('r.position', '>', 'd.sent_position'),
          ),
          eb('d.device_lists_newest', '>', eb.ref('d.device_lists_sent')),
          eb.exists(
            eb
              .selectFrom('device_list_introductions as i')
              .select('i.user_id')
              .whereRef('i.destination', '=', 'd.destination'),
          ),
          eb.exists(
            eb
              .selectFrom('outgoing_to_device as o')
              .select('o.edu_nid')
              .whereRef('o.destination', '=', 'd.destination'),
          ),
        ]),
      );
  }
}

interface FailureRow {
  failing_since: number | null;
  retry_at: number | null;
  retry_interval_ms: number | null;
}

function toOwed(
  rows: readonly (FailureRow & { destination: ServerName; partition: number })[],
): OwedDestination[] {
  return rows.map(({ destination, partition, ...failure }) => ({
    destination,
    partition,
    failure: failureOf(failure),
  }));
}

/** A back-off that was cleared leaves only since when the destination fails. */
export function failureOf(row: FailureRow): DestinationFailure | undefined {
  if (row.failing_since === null) return undefined;
  return {
    failingSince: row.failing_since,
    retryAt: row.retry_at ?? 0,
    retryIntervalMs: row.retry_interval_ms ?? 0,
  };
}
