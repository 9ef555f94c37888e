import { checkContract } from '../contract/check-contract.js';
import type { Answer, AnswerBody } from './answer.js';

export interface RequestOptions {
  token?: string | undefined;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, in the place of `body`. */
  raw?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
  timeoutMs?: number;
}

/** Sends requests to one listener and checks each answer against the specification where that is at hand. */
export class HttpClient {
  constructor(readonly baseUrl: string) {}

  /** @param path from `/_matrix` on @throws Error when there is no answer in time, or it breaks the specification */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { token, body, raw, headers, timeoutMs = 60_000 } = options;
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(sent !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(sent !== undefined && { body: sent }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const answer = { status: response.status, headers: response.headers, body: parse(text), text };
    await checkContract(method, path, answer);
    return answer;
  }
}

function parse(text: string): AnswerBody {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as AnswerBody) : {};
  } catch {
    return {};
  }
}
