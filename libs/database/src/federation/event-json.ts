import { type RawBuilder, sql } from 'kysely';

/** Escapes of U+0000 and of surrogates: legal in JSON, but PostgreSQL refuses to look into a text that holds one. */
const UNDECODABLE = String.raw`\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})`;
const REPLACEMENT = String.raw`\\ufffd`;

/**
 * SQL of an event's text as a `json` value. What PostgreSQL cannot decode is replaced: ids of events, memberships and settings
 * hold none of it. Only for looking into an event; what is served is the text itself.
 * @param column such as `e.json`
 */
export function eventJson(column: string): RawBuilder<unknown> {
  const text = sql.ref(column);
  // Few events have escapes, and looking for one is many times cheaper than matching the expression.
  return sql`(CASE WHEN strpos(${text}, '\\u') > 0 THEN regexp_replace(${text}, ${UNDECODABLE}, ${REPLACEMENT}, 'g')
    ELSE ${text} END)::json`;
}
