import { sql, type Transaction } from 'kysely';
import type { Database } from '../open-database.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { IndexCursorsTable } from '../schema/search.table.js';

export type IndexName = IndexCursorsTable['name'];

/** What a step made of an index: there may be more to do, there is not, or another instance is at it. */
export type IndexStep = 'more' | 'done' | 'busy';

/** An index that follows the events stream. Whoever calls `step` keeps it; it does not matter how many do. */
export interface FollowingIndex {
  readonly name: IndexName;
  /** Whether a step would find something to do. */
  isBehind(): Promise<boolean>;
  /** Writes one bounded batch, with the cursor behind it, in one transaction. */
  step(): Promise<IndexStep>;
}

export interface IndexCursor {
  readonly position: number;
  readonly backfilledTo: number;
  readonly settlingTo: number | null;
}

/**
 * Locks the cursor until the transaction ends, so that a batch is written once, by one.
 * @returns undefined when another has it
 */
export function lockCursor(
  trx: Transaction<DatabaseSchema>,
  name: IndexName,
): Promise<IndexCursor | undefined> {
  return trx
    .selectFrom('index_cursors')
    .select(['position', 'backfilled_to as backfilledTo', 'settling_to as settlingTo'])
    .where('name', '=', name)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
}

/** Where the stream and the index are. */
export class IndexProgressReader {
  constructor(private readonly database: Database) {}

  /** The newest position of the events stream, 0 for none. */
  async newestPosition(): Promise<number> {
    const { rows } = await sql<{ newest: number }>`
      SELECT greatest(max(position), 0) AS newest FROM event_positions`.execute(this.database.db);
    return rows[0]?.newest ?? 0;
  }

  /** The position up to which the index has come. */
  async position(name: IndexName): Promise<number> {
    const row = await this.database.db
      .selectFrom('index_cursors')
      .select('position')
      .where('name', '=', name)
      .executeTakeFirst();
    return row?.position ?? 0;
  }
}
