import { migrateToLatest, openDatabase } from '@atoll/database';
import type { PostgresServer } from '@atoll/embedded';
import pg from 'pg';
import { type EventRows, EventRowSource } from './event-rows.js';

export interface InsertLoad {
  readonly writers: number;
  /** Events in one transaction. */
  readonly batch: number;
  readonly rooms: number;
  readonly jsonBytes: number;
  readonly seconds: number;
}

/**
 * The rows that the room transactor writes for a message event with a transaction id, in one statement and so one round
 * trip and one commit: no fence, no lane, no known order of positions.
 */
const INSERT = `WITH
  e AS (INSERT INTO events (event_nid, event_id, room_nid, type_nid, state_key_nid, sender_nid, depth, origin_server_ts,
      status, problem, json)
    SELECT nid, id, room, 6, NULL, 100, nid, 1789000000000 + nid, 0, NULL, json
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[]) AS v(nid, id, room, json)),
  p AS (INSERT INTO event_positions (position, event_nid, room_nid)
    SELECT nextval('events_position'), * FROM unnest($1::bigint[], $3::bigint[])),
  t AS (INSERT INTO event_transactions (event_nid, key, device_id, transaction_id)
    SELECT nid, uuid_send(gen_random_uuid()), 'BENCHDEVIC', id FROM unnest($1::bigint[], $5::text[]) AS v(nid, id))
  INSERT INTO room_heads (room_nid, extremities, depth)
    SELECT room, ARRAY[extremity::bigint], depth FROM unnest($6::bigint[], $7::text[], $8::bigint[]) AS v(room, extremity, depth)
    ON CONFLICT (room_nid) DO UPDATE SET extremities = excluded.extremities, depth = excluded.depth`;

const NIDS_PER_WRITER = 1e9;

/** What PostgreSQL takes without any of Atoll's code: same tables, same indexes, same rows. */
export class BareInserts {
  private sources = 0;

  private constructor(private readonly url: string) {}

  static async open(postgres: PostgresServer): Promise<BareInserts> {
    const url = await postgres.createDatabase('bare_inserts');
    const database = openDatabase({ url, poolSize: 1, applicationName: 'bench', statementTimeoutMs: 0 });
    await migrateToLatest(database.db);
    // Its rows are of no rooms.
    await database.pool.query('ALTER TABLE room_heads DROP CONSTRAINT room_heads_room');
    await database.close();
    return new BareInserts(url);
  }

  /** @returns events per second */
  async run(load: InsertLoad): Promise<number> {
    const started = performance.now();
    const writers = Array.from({ length: load.writers }, () => this.write(load));
    const inserted = (await Promise.all(writers)).reduce((sum, one) => sum + one, 0);
    return inserted / ((performance.now() - started) / 1000);
  }

  /** Every writer has rooms of its own, as room-state processes do. */
  private async write({ batch, rooms, jsonBytes, seconds }: InsertLoad): Promise<number> {
    const range = (this.sources += 1) * NIDS_PER_WRITER;
    const source = new EventRowSource(range, range, rooms, jsonBytes);
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      const end = performance.now() + seconds * 1000;
      let inserted = 0;
      while (performance.now() < end) {
        await client.query({ name: 'bare-insert', text: INSERT, values: valuesOf(source.next(batch)) });
        inserted += batch;
      }
      return inserted;
    } finally {
      await client.end();
    }
  }
}

function valuesOf({ eventNids, eventIds, roomNids, json, transactionIds, heads }: EventRows): unknown[] {
  const { extremities, depths } = heads;
  return [eventNids, eventIds, roomNids, json, transactionIds, heads.roomNids, extremities, depths];
}
