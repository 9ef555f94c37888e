import { type Kysely, sql } from 'kysely';

/**
 * Full text search over events, kept by an indexer that follows the events stream.
 *
 * - `index_cursors`: how far each index has come, locked while a batch is written. Backfilled events count down without an order
 *   between their writers: those down to `backfilled_to` are in the index; those down to `settling_to` have been given out, to
 *   transactions that are all older than `settling_xid`.
 * - `event_search.document`: words with their places, and `!<room_nid>`, so that one index finds words in a room. `key` says which
 *   text it is: 1 body, 2 name, 3 topic.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE index_cursors (
       name text COLLATE "C" PRIMARY KEY,
       position bigint NOT NULL DEFAULT 0,
       backfilled_to bigint NOT NULL DEFAULT 0,
       settling_to bigint,
       settling_xid xid8)`,
    `INSERT INTO index_cursors (name) VALUES ('event_search')`,
    `CREATE TABLE event_search (
       event_nid bigint PRIMARY KEY,
       room_nid bigint NOT NULL,
       position bigint NOT NULL,
       sender_nid bigint NOT NULL,
       key smallint NOT NULL,
       has_url boolean NOT NULL,
       document tsvector NOT NULL)`,
    'CREATE INDEX event_search_documents ON event_search USING gin (document)',
    'CREATE INDEX redactions_by_redaction ON redactions (redaction_event_nid)',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
