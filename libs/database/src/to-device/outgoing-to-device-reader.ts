import type { ServerName } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** What one transaction holds. @see https://spec.matrix.org/v1.19/server-server-api/#transactions */
const MAX_EDUS = 100;
const MAX_BYTES = 2 * 1024 * 1024;

/** The next messages to devices of another server. */
export interface OutgoingToDevice {
  /** Contents of EDUs, as JSON, in their order. */
  readonly contents: readonly string[];
  /** Everything for the destination up to here is among them; 0 for none. */
  readonly upTo: number;
  readonly mayHaveMore: boolean;
}

/** Reads what other servers have not acknowledged of the messages to their devices. */
export class OutgoingToDeviceReader {
  constructor(private readonly database: Database) {}

  /** The newest position of all that waits. */
  async newest(): Promise<number> {
    const { position } = await this.database.db
      .selectFrom('outgoing_to_device')
      .select(({ fn }) => fn.coalesce(fn.max('position'), sql.lit(0)).as('position'))
      .executeTakeFirstOrThrow();
    return position;
  }

  /** How many EDUs wait for destinations of the partitions. */
  async count(partitions: readonly number[]): Promise<number> {
    const { count } = await this.database.db
      .selectFrom('outgoing_to_device as o')
      .innerJoin('destinations as d', 'd.destination', 'o.destination')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('d.partition', '=', anyOf(partitions))
      .executeTakeFirstOrThrow();
    return count;
  }

  /** The destinations of what came after a position, and how far this look has gone. */
  async destinationsAfter(
    position: number,
    limit: number,
  ): Promise<{ readonly destinations: readonly ServerName[]; readonly upTo: number }> {
    const rows = await this.database.db
      .selectFrom('outgoing_to_device')
      .select(['destination', 'position'])
      .where('position', '>', position)
      .orderBy('position')
      .limit(limit)
      .execute();
    return {
      destinations: [...new Set(rows.map(({ destination }) => destination))],
      upTo: rows.at(-1)?.position ?? position,
    };
  }

  /** What the next transaction takes: at most 100 EDUs of 2 MiB together, the oldest first. */
  async next(destination: ServerName, limit = MAX_EDUS): Promise<OutgoingToDevice> {
    const { rows } = await sql<{ position: number; content: string }>`
      SELECT position, content FROM (
        SELECT position, content, sum(octet_length(content)) OVER (ORDER BY position) AS bytes
        FROM (SELECT position, content FROM outgoing_to_device WHERE destination = ${destination}
          ORDER BY position LIMIT ${limit}) AS oldest) AS summed
      WHERE bytes <= ${MAX_BYTES} ORDER BY position`.execute(this.database.db);
    const upTo = rows.at(-1)?.position ?? 0;
    return { contents: rows.map(({ content }) => content), upTo, mayHaveMore: rows.length > 0 };
  }
}
