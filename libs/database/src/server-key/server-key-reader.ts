import type { JsonObject, ServerName } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** A signing key of another server, as it was fetched. Times are in ms since the epoch. */
export interface KnownServerKey {
  /** Unpadded Base64. */
  readonly publicKey: string;
  readonly validUntilTs: number;
  /** Not null for a key that its server no longer signs with. */
  readonly expiredTs: number | null;
  readonly fetchedTs: number;
}

/** Reads what this server has learnt about the keys of others. */
export class ServerKeyReader {
  constructor(private readonly database: Database) {}

  async find(serverName: ServerName, keyId: string): Promise<KnownServerKey | undefined> {
    return this.database.db
      .selectFrom('server_keys')
      .select([
        'public_key as publicKey',
        'valid_until_ts as validUntilTs',
        'expired_ts as expiredTs',
        'fetched_ts as fetchedTs',
      ])
      .where('server_name', '=', serverName)
      .where('key_id', '=', keyId)
      .executeTakeFirst();
  }

  /** Every known key of the servers. */
  async ofServers(
    serverNames: readonly ServerName[],
  ): Promise<(KnownServerKey & { readonly serverName: ServerName; readonly keyId: string })[]> {
    return this.database.db
      .selectFrom('server_keys')
      .select([
        'server_name as serverName',
        'key_id as keyId',
        'public_key as publicKey',
        'valid_until_ts as validUntilTs',
        'expired_ts as expiredTs',
        'fetched_ts as fetchedTs',
      ])
      .where('server_name', '=', anyOf(serverNames))
      .$narrowType<{ serverName: ServerName }>()
      .execute();
  }

  /** What each of these servers last said about its keys, with its own signatures; servers never asked are left out. */
  async lastAnswers(serverNames: readonly ServerName[]): Promise<JsonObject[]> {
    const rows = await this.database.db
      .selectFrom('server_key_answers')
      .select('json')
      .where('server_name', '=', anyOf(serverNames))
      .orderBy('server_name')
      .execute();
    return rows.map(({ json }) => JSON.parse(json) as JsonObject);
  }
}
