import type { JsonValue, UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** Writes the profiles of local users. */
export class ProfileTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  async setField(userId: UserId, name: string, value: JsonValue): Promise<void> {
    const row = { user_id: userId, name, value: JSON.stringify(value) };
    await this.transaction
      .insertInto('profile_fields')
      .values(row)
      .onConflict((conflict) => conflict.columns(['user_id', 'name']).doUpdateSet({ value: row.value }))
      .execute();
  }

  /** Does nothing when the field is not set. */
  async deleteField(userId: UserId, name: string): Promise<void> {
    await this.transaction
      .deleteFrom('profile_fields')
      .where('user_id', '=', userId)
      .where('name', '=', name)
      .execute();
  }

  /** Bytes of the whole profile as JSON. Meaningful while the account is locked, see `AccountTransactor.lock`. */
  async size(userId: UserId): Promise<number> {
    const rows = await this.transaction
      .selectFrom('profile_fields')
      .select(['name', 'value'])
      .where('user_id', '=', userId)
      .execute();
    const bytes = rows.map(({ name, value }) => Buffer.byteLength(`${JSON.stringify(name)}:${value},`));
    return bytes.reduce((sum, size) => sum + size, 2);
  }
}
