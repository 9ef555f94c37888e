import type { JsonValue } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** What other servers said about rooms that this server was not in when it got an invite or knocked. */
export class StrippedStateReader {
  constructor(private readonly database: Database) {}

  /**
   * By the nid of the invite or knock; those to rooms that this server was in have no entry. The events are as they came, stripped
   * ones or PDUs, unchecked.
   */
  async byNids(eventNids: readonly number[]): Promise<Map<number, JsonValue[]>> {
    const rows = await this.database.db
      .selectFrom('stripped_states')
      .select(['event_nid', 'events'])
      .where('event_nid', '=', anyOf(eventNids))
      .execute();
    return new Map(rows.map((row) => [row.event_nid, JSON.parse(row.events) as JsonValue[]]));
  }
}
