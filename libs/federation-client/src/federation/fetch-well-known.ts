import type { FetchWellKnown } from '../discovery/well-known-lookup.js';
import type { HttpClient } from '../http/http-client.js';

const MAX_BYTES = 51_200;
const MAX_REDIRECTS = 5;

/**
 * Asks a host on port 443 whom it delegates to.
 * @see https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver
 */
export function wellKnownFetcher(http: HttpClient, timeoutMs: number): FetchWellKnown {
  return (hostname) =>
    http.get({
      url: `https://${hostname}/.well-known/matrix/server`,
      redirects: MAX_REDIRECTS,
      maxBytes: MAX_BYTES,
      timeoutMs,
    });
}
