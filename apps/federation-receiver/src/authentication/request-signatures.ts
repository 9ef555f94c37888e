import type { KnownServerKey, ServerKeyReader } from '@atoll/database';
import { verifySignedJson } from '@atoll/event-crypto';
import { isServerName, type JsonValue, type ServerName } from '@atoll/matrix';
import type { ServerKeyFetcher } from '../server-keys/server-key-fetcher.js';
import type { XMatrixCredentials } from './x-matrix-header.js';

/** No answer about keys is believed for longer, whatever it says. */
const MAX_KEY_AGE_MS = 7 * 24 * 60 * 60_000;

/** What a server signs of a request. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly uri: string;
  /** Undefined for a request without a body. */
  readonly content: JsonValue | undefined;
}

/** Checks signatures of requests by the keys that this server knows, or can learn from their server. */
export class RequestSignatures {
  constructor(
    private readonly serverName: ServerName,
    private readonly keys: ServerKeyReader,
    private readonly fetcher: ServerKeyFetcher,
  ) {}

  /** True when the credentials name another server than this one as the one that was meant. */
  isForAnother({ destination }: XMatrixCredentials): boolean {
    return destination !== undefined && destination !== this.serverName;
  }

  /**
   * Whose request it is; undefined when the signature is wrong or its key is unknown, retired or not valid now. A retired
   * key may only have signed events.
   * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
   */
  async origin(request: SignedRequest, credentials: XMatrixCredentials): Promise<ServerName | undefined> {
    const { origin, key: keyId, signature } = credentials;
    if (!isServerName(origin)) return undefined;
    const key = await this.usableKey(origin, keyId);
    if (key === undefined) return undefined;
    const { method, uri, content } = request;
    const signed = {
      ...{ method, uri, origin, destination: this.serverName, content },
      signatures: { [origin]: { [keyId]: signature } },
    };
    return (await verifySignedJson(signed, origin, keyId, key.publicKey)) ? origin : undefined;
  }

  /** Asks the server itself for a key that is unknown or whose time is over; a retired key stays retired. */
  private async usableKey(origin: ServerName, keyId: string): Promise<KnownServerKey | undefined> {
    const known = await this.keys.find(origin, keyId);
    if (known !== undefined && (isValidNow(known) || known.expiredTs !== null)) return validNow(known);
    await this.fetcher.refresh(origin);
    return validNow(await this.keys.find(origin, keyId));
  }
}

function validNow(key: KnownServerKey | undefined): KnownServerKey | undefined {
  return key !== undefined && isValidNow(key) ? key : undefined;
}

function isValidNow({ validUntilTs, expiredTs, fetchedTs }: KnownServerKey): boolean {
  return expiredTs === null && Date.now() < Math.min(validUntilTs, fetchedTs + MAX_KEY_AGE_MS);
}
