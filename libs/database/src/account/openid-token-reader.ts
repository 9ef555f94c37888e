import type { UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Reads OpenID tokens. */
export class OpenIdTokenReader {
  constructor(private readonly database: Database) {}

  /** Who got the token; undefined when it is unknown or has ended, or the account is gone. */
  async ownerOf(tokenHash: Buffer): Promise<UserId | undefined> {
    const row = await this.database.db
      .selectFrom('openid_tokens as token')
      .innerJoin('users', 'users.user_id', 'token.user_id')
      .select('token.user_id')
      .where('token.token_hash', '=', tokenHash)
      .where('token.expires_ts', '>', Date.now())
      .where('users.is_deactivated', '=', false)
      .executeTakeFirst();
    return row?.user_id;
  }
}
