import type { Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** Nonces of the shared-secret registration: each is good for one try, on any instance. */
export class RegistrationNonceTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** Stores a nonce and removes those that have expired. */
  async issue(nonce: string, lifetimeMs: number): Promise<void> {
    const now = Date.now();
    await this.transaction.deleteFrom('registration_nonces').where('expires_ts', '<=', now).execute();
    await this.transaction
      .insertInto('registration_nonces')
      .values({ nonce, expires_ts: now + lifetimeMs })
      .execute();
  }

  /** False when the nonce is unknown, expired or spent. */
  async spend(nonce: string): Promise<boolean> {
    const { numDeletedRows } = await this.transaction
      .deleteFrom('registration_nonces')
      .where('nonce', '=', nonce)
      .where('expires_ts', '>', Date.now())
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }
}
