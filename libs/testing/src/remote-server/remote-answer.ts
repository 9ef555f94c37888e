import type { ServerResponse } from 'node:http';

/** What a scripted server says: JSON, or a text that need not be JSON at all. */
export interface JsonAnswer {
  /** Default: 200. */
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Sent as it is, in the place of `body`. */
  readonly text?: string;
}

/** Takes the response into its own hands. */
export type RawAnswer = (response: ServerResponse) => void;

export type RemoteAnswer = JsonAnswer | RawAnswer;

export function matrixError(status: number, errcode: string, error: string): JsonAnswer {
  return { status, body: { errcode, error } };
}

export function sendAnswer(answer: RemoteAnswer, response: ServerResponse): void {
  if (typeof answer === 'function') {
    answer(response);
    return;
  }
  const { status = 200, headers, body = {}, text = JSON.stringify(body) } = answer;
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}
