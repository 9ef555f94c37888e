import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text as textOf } from 'node:stream/consumers';

export interface SentText {
  readonly method: string;
  readonly headers?: Record<string, string>;
  readonly text?: string | undefined;
  readonly timeoutMs?: number;
}

/**
 * One HTTPS request on a connection of its own. Whose certificate the server shows is not looked at: scripted servers test
 * others, nobody tests them.
 * @throws Error when there is no answer in time
 */
export async function exchange(
  url: string,
  { method, headers, text, timeoutMs = 30_000 }: SentText,
): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.timeout(timeoutMs);
  const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) };
  const all = { ...headers, ...length };
  const sent = request(url, { method, headers: all, agent: false, rejectUnauthorized: false, signal });
  sent.end(text);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, text: await textOf(answer) };
}
