import type { ServerName } from '@atoll/matrix';
import type { HttpClient } from '../http/http-client.js';
import { parseJsonAnswer } from '../http/json-answer.js';
import { OutboundError } from '../http/outbound-error.js';
import { failed, readAnswer, type SendResult } from './send-result.js';

export interface FetchBounds {
  /** For everything, from the look-up of the host to the last byte. */
  readonly timeoutMs: number;
  /** Of the answer. */
  readonly maxBytes: number;
}

/**
 * Reads the JSON at an `https:` URL that somebody else wrote, with the guards of requests to other servers, and unsigned. Redirects are
 * refusals.
 */
export type FetchJson = (url: string, bounds: FetchBounds) => Promise<SendResult>;

export function jsonFetcher(http: Pick<HttpClient, 'get'>): FetchJson {
  return async (url, bounds) => {
    const host = URL.parse(url)?.host as ServerName | undefined;
    if (host === undefined) return failed(url as ServerName, 'unresolvable');
    try {
      return readAnswer(host, await http.get({ url, redirects: 0, ...bounds }), parseJsonAnswer);
    } catch (error) {
      if (error instanceof OutboundError) return failed(host, error.kind);
      throw error;
    }
  };
}
