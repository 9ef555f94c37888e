import type { UserId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

export interface Account {
  readonly userId: UserId;
  readonly passwordHash: string | null;
  readonly isAdmin: boolean;
  readonly isDeactivated: boolean;
}

/** Reads local accounts. */
export class AccountReader {
  constructor(private readonly database: Database) {}

  async find(userId: UserId): Promise<Account | undefined> {
    const row = await this.database.db
      .selectFrom('users')
      .selectAll()
      .where('user_id', '=', userId)
      .executeTakeFirst();
    if (!row) return undefined;
    return {
      userId: row.user_id,
      passwordHash: row.password_hash,
      isAdmin: row.is_admin,
      isDeactivated: row.is_deactivated,
    };
  }

  /** Of these users, those that have (or had: deactivated names are not given away again) an account here. */
  async existing(userIds: readonly UserId[]): Promise<Set<UserId>> {
    const rows = await this.database.db
      .selectFrom('users')
      .select('user_id')
      .where('user_id', '=', anyOf(userIds))
      .execute();
    return new Set(rows.map((row) => row.user_id));
  }
}
