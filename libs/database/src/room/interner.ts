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
 * Gives strings (event types; state keys, user ids among them; relationship types) their numbers, and makes new ones. Numbers are committed
 * before they are used, outside of any room's transaction, so that no lock on them outlives one statement.
 */
export class Interner {
  private readonly types = newCache();
  private readonly stateKeys = newCache();
  private readonly relTypes = newCache();

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
    return this.types.get(type) ?? this.intern(type, this.types, 'event_types', 'type_nid', 'type');
  }

  async stateKeyNid(stateKey: string): Promise<number> {
    const cached = this.stateKeys.get(stateKey);
    return cached ?? this.intern(stateKey, this.stateKeys, 'state_keys', 'state_key_nid', 'state_key');
  }

  async relTypeNid(relType: string): Promise<number> {
    const cached = this.relTypes.get(relType);
    return cached ?? this.intern(relType, this.relTypes, 'relation_types', 'rel_type_nid', 'rel_type');
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

  private async intern(
    text: string,
    cache: LRUCache<string, number>,
    ...[tableName, nidColumn, textColumn]: [table: string, nidColumn: string, textColumn: string]
  ): Promise<number> {
    const [table, id, column] = [sql.table(tableName), sql.ref(nidColumn), sql.ref(textColumn)];
    const { rows } = await sql<{ nid: number }>`
      WITH added AS (INSERT INTO ${table} (${column}) SELECT ${text}
        WHERE NOT EXISTS (SELECT FROM ${table} WHERE ${column} = ${text}) ON CONFLICT (${column}) DO NOTHING RETURNING ${id})
      SELECT ${id} AS nid FROM added UNION ALL SELECT ${id} FROM ${table} WHERE ${column} = ${text}
    `.execute(this.database.db);
    const nid = rows[0]?.nid;
    if (nid === undefined) return this.intern(text, cache, tableName, nidColumn, textColumn);
    cache.set(text, nid);
    return nid;
  }
}
