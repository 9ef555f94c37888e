import { CanonicalJsonError, lenientCanonicalJson, verifySignature } from '@atoll/event-crypto';
import { MAX_EXACT_JSON_DEPTH } from '@atoll/http';
import { isServerName, type JsonValue, type ServerName } from '@atoll/matrix';
import type { ServerKeys } from '@atoll/server-keys';
import type { XMatrixCredentials } from './x-matrix-header.js';

/** What a server signs of a request. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly uri: string;
  /** Undefined for a request without a body. */
  readonly content: JsonValue | undefined;
}

/** Checks signatures of requests by the keys that this server knows or can learn. */
export class RequestSignatures {
  constructor(
    private readonly serverName: ServerName,
    private readonly keys: ServerKeys,
  ) {}

  /** True when the credentials name another server than this one as the one that was meant. */
  isForAnother({ destination }: XMatrixCredentials): boolean {
    return destination !== undefined && destination !== this.serverName;
  }

  /**
   * Whose request it is; undefined when the signature is wrong or its key is unknown, retired or not valid now. A retired
   * key may only have signed events.
   * @throws MatrixError 503 when too many servers are being asked for their keys
   * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
   */
  async origin(request: SignedRequest, credentials: XMatrixCredentials): Promise<ServerName | undefined> {
    const { origin, key: keyId, signature } = credentials;
    if (!isServerName(origin)) return undefined;
    const key = await this.keys.currentKey(origin, keyId);
    if (key === undefined) return undefined;
    const { method, uri, content } = request;
    const signed = signedText({ method, uri, origin, destination: this.serverName, content });
    return signed !== undefined && (await verifySignature(Buffer.from(signed), signature, key))
      ? origin
      : undefined;
  }
}

/** What the signature covers; undefined for what has no canonical form. Events in it may hold numbers of any kind. */
function signedText(request: Record<string, JsonValue | undefined>): string | undefined {
  try {
    return lenientCanonicalJson(request, MAX_EXACT_JSON_DEPTH + 1);
  } catch (error) {
    if (error instanceof CanonicalJsonError) return undefined;
    throw error;
  }
}
