import { type RawBuilder, sql } from 'kysely';

/** SQL of the server of a user id: what stands behind the first colon, for server names may hold one themselves. */
export function serverOf(column: string): RawBuilder<string> {
  return sql<string>`substr(${sql.ref(column)}, strpos(${sql.ref(column)}, ':') + 1)`;
}
