import { type Kysely, sql } from 'kysely';
import type { DatabaseSchema } from './schema/database-schema.js';
import { STREAM_NAMES, STREAMS, type StreamPositions } from './stream-registry.js';

/** The newest visible position of every stream, of one moment; 0 where there is none. */
export async function currentPositions(db: Kysely<DatabaseSchema>): Promise<StreamPositions> {
  const newest = STREAM_NAMES.map((name) => {
    const { table, positionColumn } = STREAMS[name];
    return sql`(SELECT greatest(max(${sql.ref(positionColumn)}), 0) FROM ${sql.table(table)}) AS ${sql.ref(name)}`;
  });
  const { rows } = await sql<StreamPositions>`SELECT ${sql.join(newest)}`.execute(db);
  return rows[0] as StreamPositions;
}
