import { matrixError, type JsonAnswer, type RawAnswer } from './remote-answer.js';

const CHUNK = 'a'.repeat(65_536);

/** Takes the request and never says a word. */
export const silence: RawAnswer = () => undefined;

/** Ends the connection instead of answering. */
export const hangUp: RawAnswer = (response) => response.destroy();

/** An honest answer, one byte at a time. */
export function slowLoris(body: unknown, everyMs = 200): RawAnswer {
  return (response) => {
    const bytes = Buffer.from(JSON.stringify(body));
    let sent = 0;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
    const timer = setInterval(() => {
      response.write(bytes.subarray(sent, sent + 1));
      sent += 1;
      if (sent === bytes.length) response.end();
    }, everyMs);
    response.once('close', () => {
      clearInterval(timer);
    });
  };
}

/** JSON that never ends, as fast as the other side takes it. */
export const endless: RawAnswer = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"a":"');
  const pour = () => {
    while (!response.destroyed && response.write(CHUNK));
  };
  response.on('drain', pour);
  pour();
};

/** Says that it has more than it then gives, and hangs up. */
export function truncated(body: unknown): RawAnswer {
  return (response) => {
    const text = JSON.stringify(body);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length + 1_000 });
    response.write(text, () => response.destroy());
  };
}

export function redirect(location: string, status = 302): JsonAnswer {
  return { ...matrixError(status, 'M_UNKNOWN', 'Elsewhere'), headers: { location } };
}

/** JSON that says it is a web page. */
export function wrongContentType(body: unknown): JsonAnswer {
  return { body, headers: { 'content-type': 'text/html' } };
}
