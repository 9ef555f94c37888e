import type { Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

export interface NewRegistrationToken {
  readonly token: string;
  /** Null for no bound. */
  readonly usesAllowed: number | null;
  /** Milliseconds since the epoch; null for never. */
  readonly expiresTs: number | null;
}

/** Writes registration tokens. */
export class RegistrationTokenTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** False when there is such a token already. */
  async create({ token, usesAllowed, expiresTs }: NewRegistrationToken): Promise<boolean> {
    const row = await this.transaction
      .insertInto('registration_tokens')
      .values({ token, uses_allowed: usesAllowed, expires_ts: expiresTs })
      .onConflict((conflict) => conflict.column('token').doNothing())
      .returning('token')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Counts one use, in the transaction that makes the account; false when the token is not valid (any more). */
  async spend(token: string): Promise<boolean> {
    const { numUpdatedRows } = await this.transaction
      .updateTable('registration_tokens')
      .set((eb) => ({ uses: eb('uses', '+', 1) }))
      .where('token', '=', token)
      .where((eb) => eb.or([eb('uses_allowed', 'is', null), eb('uses', '<', eb.ref('uses_allowed'))]))
      .where((eb) => eb.or([eb('expires_ts', 'is', null), eb('expires_ts', '>', Date.now())]))
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }
}
