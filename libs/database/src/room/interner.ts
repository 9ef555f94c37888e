import { sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Database } from '../open-database.js';

/** Of each kind; strings come from users and other servers. */
const MAX_CACHED_BYTES = 16 * 1024 * 1024;
const BYTES_PER_ENTRY = 100;
const KEYS_PER_QUERY = 1000;

const newCache = () =>
  new LRUCache<string, number>({
    maxSize: MAX_CACHED_BYTES,
    sizeCalculation: (_, text) => 2 * text.length + BYTES_PER_ENTRY,
  });

/**
 * Gives strings (event types; state keys, user ids among them) their numbers, and makes new ones. Numbers are committed
 * before they are used, outside of any room's transaction, so that no lock on them outlives one statement.
 */
export class Interner {
  private readonly types = newCache();
  private readonly stateKeys = newCache();

  constructor(private readonly database: Database) {}

  /** The number of an event type when it is cached; else call {@link typeNid}. */
  cachedTypeNid(type: string): number | undefined {
    return this.types.get(type);
  }

  /** The number of a state key or user id when it is cached; else call {@link stateKeyNid}. */
  cachedStateKeyNid(stateKey: string): number | undefined {
    return this.stateKeys.get(stateKey);
  }

  async typeNid(type: string): Promise<number> {
    const cached = this.types.get(type);
    if (cached !== undefined) return cached;
    const { rows } = await sql<{ nid: number }>`
      WITH added AS (INSERT INTO event_types (type) SELECT ${type}
        WHERE NOT EXISTS (SELECT FROM event_types WHERE type = ${type}) ON CONFLICT (type) DO NOTHING RETURNING type_nid)
      SELECT type_nid AS nid FROM added UNION ALL SELECT type_nid FROM event_types WHERE type = ${type}
    `.execute(this.database.db);
    const nid = rows[0]?.nid;
    if (nid === undefined) return this.typeNid(type);
    this.types.set(type, nid);
    return nid;
  }

  async stateKeyNid(stateKey: string): Promise<number> {
    const cached = this.stateKeys.get(stateKey);
    if (cached !== undefined) return cached;
    const { rows } = await sql<{ nid: number }>`
      WITH added AS (INSERT INTO state_keys (state_key) SELECT ${stateKey}
        WHERE NOT EXISTS (SELECT FROM state_keys WHERE state_key = ${stateKey})
        ON CONFLICT (state_key) DO NOTHING RETURNING state_key_nid)
      SELECT state_key_nid AS nid FROM added UNION ALL SELECT state_key_nid FROM state_keys WHERE state_key = ${stateKey}
    `.execute(this.database.db);
    const nid = rows[0]?.nid;
    if (nid === undefined) return this.stateKeyNid(stateKey);
    this.stateKeys.set(stateKey, nid);
    return nid;
  }

  /** The numbers of many event types at once. */
  async typeNids(types: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const nids = new Map<string, number>();
    for (const type of new Set(types)) nids.set(type, await this.typeNid(type));
    return nids;
  }

  /** The numbers of many state keys at once, a query for each thousand that are not cached. */
  async stateKeyNids(stateKeys: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const nids = new Map<string, number>();
    const absent: string[] = [];
    for (const key of new Set(stateKeys)) {
      const cached = this.stateKeys.get(key);
      if (cached === undefined) absent.push(key);
      else nids.set(key, cached);
    }
    for (let start = 0; start < absent.length; start += KEYS_PER_QUERY) {
      const { rows } = await sql<{ nid: number; key: string }>`
        WITH wanted AS (SELECT unnest(${absent.slice(start, start + KEYS_PER_QUERY)}::text[]) COLLATE "C" AS key),
        added AS (INSERT INTO state_keys (state_key) SELECT key FROM wanted
          WHERE NOT EXISTS (SELECT FROM state_keys WHERE state_key = key)
          ON CONFLICT (state_key) DO NOTHING RETURNING state_key_nid, state_key)
        SELECT state_key_nid AS nid, state_key AS key FROM added
        UNION ALL SELECT state_key_nid, state_key FROM state_keys JOIN wanted ON state_key = key
      `.execute(this.database.db);
      for (const { nid, key } of rows) {
        this.stateKeys.set(key, nid);
        nids.set(key, nid);
      }
    }
    // Only those that another writer added in the same moment are left.
    for (const key of absent) if (!nids.has(key)) nids.set(key, await this.stateKeyNid(key));
    return nids;
  }
}
