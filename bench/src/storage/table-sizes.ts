import type { Database } from '@atoll/database';
import { sql } from 'kysely';

/** Bytes by table, each with its indexes and its TOAST. */
export type TableSizes = ReadonlyMap<string, number>;

/** Vacuums first, as autovacuum would in time, so that room for later rows does not count as lost. */
export async function tableSizes({ db }: Database): Promise<TableSizes> {
  await sql`VACUUM (ANALYZE, TRUNCATE)`.execute(db);
  const { rows } = await sql<{ name: string; bytes: number }>`
    SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`.execute(db);
  return new Map(rows.map(({ name, bytes }) => [name, bytes]));
}

export function growth(
  before: TableSizes,
  after: TableSizes,
): { total: number; byTable: [string, number][] } {
  const byTable = [...after]
    .map(([name, bytes]): [string, number] => [name, bytes - (before.get(name) ?? 0)])
    .filter(([, bytes]) => bytes !== 0)
    .sort(([, one], [, other]) => other - one);
  return { byTable, total: byTable.reduce((sum, [, bytes]) => sum + bytes, 0) };
}

/** Bytes of the JSON of all events of a kind. */
export async function jsonBytes({ db }: Database, kind: 'message' | 'state'): Promise<number> {
  const condition = kind === 'message' ? sql`state_key_nid IS NULL` : sql`state_key_nid IS NOT NULL`;
  const { rows } = await sql<{ bytes: number }>`
    SELECT coalesce(sum(octet_length(json)), 0)::bigint AS bytes FROM events WHERE ${condition}`.execute(db);
  return rows[0]?.bytes ?? 0;
}
