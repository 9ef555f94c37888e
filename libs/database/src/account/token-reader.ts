import type { DeviceId, UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Whose an access token is. */
export interface TokenOwner {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly isAdmin: boolean;
  readonly isGuest: boolean;
  readonly expiresTs: number | null;
  /** The token came from a refresh and has not been used before: see `TokenTransactor.confirm`. */
  readonly isUnconfirmed: boolean;
  /** When the device was last recorded to be in use. */
  readonly lastSeenTs: number;
}

/** Looks up access tokens by their SHA-256. */
export class TokenReader {
  constructor(private readonly database: Database) {}

  /** Undefined for unknown and revoked tokens; expired ones are found. */
  async ownerOf(tokenHash: Buffer): Promise<TokenOwner | undefined> {
    return this.database.db
      .selectFrom('access_tokens as token')
      .innerJoin('users', 'users.user_id', 'token.user_id')
      .innerJoin('devices', (join) =>
        join
          .onRef('devices.user_id', '=', 'token.user_id')
          .onRef('devices.device_id', '=', 'token.device_id'),
      )
      .select([
        'token.user_id as userId',
        'token.device_id as deviceId',
        'users.is_admin as isAdmin',
        'users.is_guest as isGuest',
        'token.expires_ts as expiresTs',
        (eb) => eb('token.replaces', 'is not', null).$castTo<boolean>().as('isUnconfirmed'),
        'devices.last_seen_ts as lastSeenTs',
      ])
      .where('token.token_hash', '=', tokenHash)
      .executeTakeFirst();
  }
}
