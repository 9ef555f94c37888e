import { signJson, type SigningKey } from '@atoll/event-crypto';
import type { ServerName } from '@atoll/matrix';

/** Peers ask again after half of this. */
const VALID_MS = 24 * 60 * 60_000;

/** What this server says about its own signing keys. */
export class OwnServerKeys {
  constructor(
    private readonly serverName: ServerName,
    private readonly signingKey: SigningKey,
  ) {}

  /** Valid for a day from now, signed by this server. */
  signed() {
    const { keyId, publicKey } = this.signingKey;
    const keys = {
      server_name: this.serverName,
      valid_until_ts: Date.now() + VALID_MS,
      verify_keys: { [keyId]: { key: publicKey } },
      old_verify_keys: {},
    };
    return signJson(keys, this.serverName, this.signingKey);
  }
}
