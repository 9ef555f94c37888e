import type { UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** Tokens of one user that live at once; the oldest make room. */
const MAX_TOKENS = 100;

/** Writes OpenID tokens, as SHA-256 only. */
export class OpenIdTokenTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** Stores a token that ends at `expiresTs` (ms since 1970). */
  async issue(userId: UserId, tokenHash: Buffer, expiresTs: number): Promise<void> {
    await this.transaction
      .deleteFrom('openid_tokens')
      .where('token_hash', 'in', (eb) =>
        eb
          .selectFrom('openid_tokens')
          .select('token_hash')
          .where('user_id', '=', userId)
          .orderBy('expires_ts', 'desc')
          .offset(MAX_TOKENS - 1),
      )
      .execute();
    await this.transaction
      .insertInto('openid_tokens')
      .values({ token_hash: tokenHash, user_id: userId, expires_ts: expiresTs })
      .execute();
  }
}
