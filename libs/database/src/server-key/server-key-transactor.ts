import type { ServerName } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** One of the keys that an answer lists. Times are in ms since the epoch. */
export interface AnsweredKey {
  readonly keyId: string;
  /** Unpadded Base64. */
  readonly publicKey: string;
  readonly validUntilTs: number;
  /** Not null for a key that its server no longer signs with. */
  readonly expiredTs: number | null;
}

/** Writes what another server has said about its keys. */
export class ServerKeyTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** Keeps the answer as the last one of the server, and its keys; keys that it no longer lists stay as they were. */
  async save(serverName: ServerName, json: string, keys: readonly AnsweredKey[]): Promise<void> {
    const fetched_ts = Date.now();
    await this.transaction
      .insertInto('server_key_answers')
      .values({ server_name: serverName, json, fetched_ts })
      .onConflict((conflict) => conflict.column('server_name').doUpdateSet({ json, fetched_ts }))
      .execute();
    const rows = keys.map(({ keyId, publicKey, validUntilTs, expiredTs }) => ({
      server_name: serverName,
      key_id: keyId,
      public_key: publicKey,
      valid_until_ts: validUntilTs,
      expired_ts: expiredTs,
      fetched_ts,
    }));
    await this.transaction
      .insertInto('server_keys')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['server_name', 'key_id']).doUpdateSet((eb) => ({
          public_key: eb.ref('excluded.public_key'),
          valid_until_ts: eb.ref('excluded.valid_until_ts'),
          expired_ts: eb.ref('excluded.expired_ts'),
          fetched_ts: eb.ref('excluded.fetched_ts'),
        })),
      )
      .execute();
  }
}
