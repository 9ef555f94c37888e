import type { UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

export interface NewAccount {
  readonly userId: UserId;
  readonly passwordHash: string | null;
  readonly isAdmin: boolean;
  readonly isGuest?: boolean;
}

/** Writes local accounts. */
export class AccountTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** False when the user id is taken. */
  async create(account: NewAccount): Promise<boolean> {
    const row = await this.transaction
      .insertInto('users')
      .values({
        user_id: account.userId,
        password_hash: account.passwordHash,
        is_admin: account.isAdmin,
        is_guest: account.isGuest === true,
        created_ts: Date.now(),
      })
      .onConflict((conflict) => conflict.column('user_id').doNothing())
      .returning('user_id')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Makes a guest a user like others. False when there is no such guest any more. */
  async upgradeGuest(userId: UserId, passwordHash: string): Promise<boolean> {
    const row = await this.transaction
      .updateTable('users')
      .set({ password_hash: passwordHash, is_guest: false })
      .where('user_id', '=', userId)
      .where('is_guest', '=', true)
      .where('is_deactivated', '=', false)
      .returning('user_id')
      .executeTakeFirst();
    return row !== undefined;
  }

  async setPasswordHash(userId: UserId, passwordHash: string): Promise<void> {
    await this.transaction
      .updateTable('users')
      .set({ password_hash: passwordHash })
      .where('user_id', '=', userId)
      .execute();
  }

  /**
   * Ends every way to log in; the user id stays taken. What the user wanted sent later, and what the server had to tell the user, is not
   * sent any more. Cross-signing keys and key backups go; devices are deleted by the caller, see `DeviceTransactor`.
   */
  async deactivate(userId: UserId): Promise<void> {
    await this.transaction
      .updateTable('users')
      .set({ is_deactivated: true, password_hash: null })
      .where('user_id', '=', userId)
      .execute();
    const tables = [
      'delayed_events',
      'server_notice_deliveries',
      'cross_signing_keys',
      'key_backups',
    ] as const;
    for (const table of tables) {
      await this.transaction.deleteFrom(table).where('user_id', '=', userId).execute();
    }
    await this.transaction
      .deleteFrom('key_signatures')
      .where((or) => or.or([or('target_user_id', '=', userId), or('signer_user_id', '=', userId)]))
      .execute();
  }

  /** Removes what is stored about the user beside events: profile, account data, filters, subscriptions to threads. */
  async erase(userId: UserId): Promise<void> {
    for (const table of ['profile_fields', 'account_data', 'filters', 'thread_subscriptions'] as const) {
      await this.transaction.deleteFrom(table).where('user_id', '=', userId).execute();
    }
  }

  /**
   * Holds back other transactions of this account until this one ends; for checks over several rows.
   * @returns its password hash, or undefined when there is no such account or it is deactivated
   */
  async lock(userId: UserId): Promise<{ passwordHash: string | null } | undefined> {
    const row = await this.transaction
      .selectFrom('users')
      .select('password_hash')
      .where('user_id', '=', userId)
      .where('is_deactivated', '=', false)
      .forUpdate()
      .executeTakeFirst();
    return row && { passwordHash: row.password_hash };
  }
}
