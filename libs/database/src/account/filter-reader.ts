import type { JsonObject, UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Reads the filters that users have uploaded. */
export class FilterReader {
  constructor(private readonly database: Database) {}

  /** The filter as it was uploaded. */
  async find(userId: UserId, filterId: string): Promise<JsonObject | undefined> {
    const row = await this.database.db
      .selectFrom('filters')
      .select('definition')
      .where('user_id', '=', userId)
      .where('filter_id', '=', filterId)
      .executeTakeFirst();
    return row && (JSON.parse(row.definition) as JsonObject);
  }

  async count(userId: UserId): Promise<number> {
    const { count } = await this.database.db
      .selectFrom('filters')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow();
    return count;
  }
}
