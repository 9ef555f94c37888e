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
    await this.#saveAnswer(serverName, json);
    await this.#saveKeys(serverName, keys);
  }

  /**
   * The same for what a server said to somebody else, perhaps long ago: it replaces nothing that is valid for longer, and it
   * changes no key that was retired since.
   */
  async saveIfNewer(serverName: ServerName, json: string, keys: readonly AnsweredKey[]): Promise<void> {
    const known = await this.transaction
      .selectFrom('server_keys')
      .select(({ fn }) => fn.max('valid_until_ts').as('validUntilTs'))
      .where('server_name', '=', serverName)
      .executeTakeFirst();
    const validUntilTs = Math.max(...keys.map((key) => key.validUntilTs));
    if (validUntilTs >= (known?.validUntilTs ?? 0)) await this.save(serverName, json, keys);
    else await this.#saveUnknownKeys(serverName, keys);
  }

  async #saveAnswer(server_name: ServerName, json: string): Promise<void> {
    const fetched_ts = Date.now();
    await this.transaction
      .insertInto('server_key_answers')
      .values({ server_name, json, fetched_ts })
      .onConflict((conflict) => conflict.column('server_name').doUpdateSet({ json, fetched_ts }))
      .execute();
  }

  async #saveKeys(serverName: ServerName, keys: readonly AnsweredKey[]): Promise<void> {
    await this.transaction
      .insertInto('server_keys')
      .values(rowsOf(serverName, keys))
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

  async #saveUnknownKeys(serverName: ServerName, keys: readonly AnsweredKey[]): Promise<void> {
    await this.transaction
      .insertInto('server_keys')
      .values(rowsOf(serverName, keys))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

function rowsOf(serverName: ServerName, keys: readonly AnsweredKey[]) {
  const fetched_ts = Date.now();
  return keys.map(({ keyId, publicKey, validUntilTs, expiredTs }) => ({
    server_name: serverName,
    key_id: keyId,
    public_key: publicKey,
    valid_until_ts: validUntilTs,
    expired_ts: expiredTs,
    fetched_ts,
  }));
}
