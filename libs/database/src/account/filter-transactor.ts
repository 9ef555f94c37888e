import type { JsonObject, UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** Writes the filters of users. */
export class FilterTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** Does nothing when the user has a filter with this id: the id is the hash of the filter. */
  async store(userId: UserId, filterId: string, definition: JsonObject): Promise<void> {
    await this.transaction
      .insertInto('filters')
      .values({ user_id: userId, filter_id: filterId, definition: JSON.stringify(definition) })
      .onConflict((conflict) => conflict.columns(['user_id', 'filter_id']).doNothing())
      .execute();
  }
}
