import type { DeviceId, UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** Hashes and life of a new access token and, for clients that can refresh, its refresh token. */
export interface NewTokens {
  readonly accessHash: Buffer;
  readonly expiresTs: number | null;
  readonly refreshHash: Buffer | null;
}

/** Writes access and refresh tokens, as SHA-256 only. */
export class TokenTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** Gives a device its first tokens. */
  async issue(userId: UserId, deviceId: DeviceId, tokens: NewTokens): Promise<void> {
    await this.#insert(userId, deviceId, tokens, null);
  }

  /**
   * Exchanges a refresh token. The row that it belongs to stays until a token of the new row is used, so that a client
   * which lost the answer can ask again; what an earlier, unused answer gave out is revoked.
   * @returns whose it is, or undefined when the refresh token is unknown or already superseded
   * @see https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
   */
  async refresh(
    refreshHash: Buffer,
    tokens: NewTokens,
  ): Promise<{ userId: UserId; deviceId: DeviceId } | undefined> {
    const row = await this.transaction
      .selectFrom('access_tokens')
      .selectAll()
      .where('refresh_hash', '=', refreshHash)
      .forUpdate()
      .executeTakeFirst();
    if (!row) return undefined;
    if (row.replaces) await this.confirm(row.token_hash);
    await this.transaction.deleteFrom('access_tokens').where('replaces', '=', row.token_hash).execute();
    await this.#insert(row.user_id, row.device_id, tokens, row.token_hash);
    return { userId: row.user_id, deviceId: row.device_id };
  }

  /** A token of this row was used: the row that it replaces ends (the foreign key clears `replaces`). */
  async confirm(accessHash: Buffer): Promise<void> {
    await this.transaction
      .deleteFrom('access_tokens')
      .where('token_hash', '=', (eb) =>
        eb.selectFrom('access_tokens').select('replaces').where('token_hash', '=', accessHash),
      )
      .execute();
  }

  async #insert(
    userId: UserId,
    deviceId: DeviceId,
    tokens: NewTokens,
    replaces: Buffer | null,
  ): Promise<void> {
    await this.transaction
      .insertInto('access_tokens')
      .values({
        token_hash: tokens.accessHash,
        user_id: userId,
        device_id: deviceId,
        expires_ts: tokens.expiresTs,
        refresh_hash: tokens.refreshHash,
        replaces,
      })
      .execute();
  }
}
