import { type Database, ServerKeyReader } from '@atoll/database';
import type { SigningKey } from '@atoll/event-crypto';
import type { ServerName } from '@atoll/matrix';
import type { VerifyKey } from '@atoll/room-rules';

/** A key that a signature names. */
export interface WantedKey {
  readonly serverName: ServerName;
  readonly keyId: string;
  /** The key must have been valid then: ms since 1970. */
  readonly validAt: number;
}

/** Looks up a key among those that were asked for. */
export type KeyLookup = (serverName: ServerName, keyId: string) => VerifyKey | undefined;

/** The signing keys of other servers, and of this one. */
export class ServerKeys {
  private readonly reader: ServerKeyReader;

  constructor(
    private readonly serverName: ServerName,
    private readonly ownKey: SigningKey,
    database: Database,
  ) {
    this.reader = new ServerKeyReader(database);
  }

  /** Those of the keys that are known or can be learnt; whether they were valid is the caller's question. */
  async find(wanted: readonly WantedKey[]): Promise<KeyLookup> {
    const keys = new Map<string, VerifyKey>();
    for (const row of await this.reader.ofServers([...new Set(wanted.map((key) => key.serverName))])) {
      keys.set(`${row.serverName} ${row.keyId}`, {
        publicKey: row.publicKey,
        validUntilTs: row.validUntilTs,
        ...(row.expiredTs !== null && { expiredTs: row.expiredTs }),
      });
    }
    keys.set(`${this.serverName} ${this.ownKey.keyId}`, { publicKey: this.ownKey.publicKey });
    return (serverName, keyId) => keys.get(`${serverName} ${keyId}`);
  }
}
