import { lenientCanonicalJson, type SigningKey } from '@atoll/event-crypto';
import type { JsonValue, ServerName } from '@atoll/matrix';

export interface UnsignedRequest {
  readonly method: string;
  /** The path from `/_matrix/` on, with the query. */
  readonly uri: string;
  /** The server name as users know it, before any delegation. */
  readonly destination: ServerName;
  readonly content?: JsonValue | undefined;
}

/**
 * The `Authorization` header that proves who sends a request. Numbers of old events in the content are signed as they came.
 * @throws {CanonicalJsonError} when the content has no canonical form
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export async function signRequest(
  request: UnsignedRequest,
  origin: ServerName,
  key: SigningKey,
): Promise<string> {
  const { method, uri, destination, content } = request;
  const signed = lenientCanonicalJson({ method, uri, origin, destination, content });
  const sig = await key.sign(Buffer.from(signed));
  // None of these values can hold a quote or a backslash. For older servers: no blanks, lower-case names.
  return `X-Matrix origin="${origin}",destination="${destination}",key="${key.keyId}",sig="${sig}"`;
}
