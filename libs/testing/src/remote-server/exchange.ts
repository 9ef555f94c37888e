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
): Promise<{ status: number; headers: Headers; text: string }> {
  const signal = AbortSignal.timeout(timeoutMs);
  const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) };
  const all = { ...headers, ...length };
  const sent = request(url, { method, headers: all, agent: false, rejectUnauthorized: false, signal });
  sent.end(text);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const { statusCode = 0, headers: told } = answer;
  const contentType = told['content-type'];
  const answered = new Headers(contentType === undefined ? {} : { 'content-type': contentType });
  return { status: statusCode, headers: answered, text: await textOf(answer) };
}
