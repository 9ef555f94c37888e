import { gzipSync } from 'node:zlib';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { IpDenylist } from '../addresses/ip-denylist.js';
import type { ByteAllowance } from './exchange.js';
import { HttpClient } from './http-client.js';
import { parseJsonAnswer } from './json-answer.js';
import { at, failureOf, FakeDns, issue, LocalServers, makeAuthority } from './local-servers.spec-support.js';
import type { Authority } from './local-servers.spec-support.js';

const servers = new LocalServers();
let ca: Authority;
let certificate: Authority;
let http: HttpClient;

beforeAll(async () => {
  ca = await makeAuthority();
  certificate = await issue(ca, ['hs.test']);
});
afterEach(() => http.close());
afterAll(() => servers.close());

/** Asks a server that answers what it likes. */
async function ask(
  onRequest: (socket: TLSSocket, connection: number) => void,
  bounds: {
    timeoutMs?: number;
    silenceMs?: number;
    maxBytes?: number;
    maxHeaderBytes?: number;
    allowance?: ByteAllowance;
  } = {},
) {
  const { timeoutMs = 5_000, silenceMs = 5_000, maxBytes = 1_000, maxHeaderBytes = 1_000 } = bounds;
  http = new HttpClient({
    dns: new FakeDns({ 'hs.test': [['127.0.0.1']] }),
    denylist: new IpDenylist([]),
    extraCa: [ca.cert],
    silenceMs,
    maxHeaderBytes,
  });
  const target = at('hs.test', await servers.raw(certificate, onRequest));
  return http.request({ target, method: 'GET', path: '/', timeoutMs, maxBytes, allowance: bounds.allowance });
}

/** Writes a piece again and again while the other side takes it. */
function endlessly(socket: TLSSocket, piece: string, everyMs = 0): void {
  const timer = setInterval(() => socket.write(piece), everyMs);
  socket.once('close', () => {
    clearInterval(timer);
  });
}

const HEAD = 'HTTP/1.1 200 OK\r\n';

describe('a hostile server', () => {
  it('that never answers', async () => {
    expect(await failureOf(ask(() => undefined, { silenceMs: 30 }))).toEqual(['timeout', true]);
  });

  it('that sends its headers slowly', async () => {
    const slow = (socket: TLSSocket) => {
      socket.write(HEAD);
      endlessly(socket, 'x: y\r\n', 5);
    };
    expect(await failureOf(ask(slow, { timeoutMs: 60 }))).toEqual(['timeout', true]);
  });

  it('that sends its body slowly', async () => {
    const slow = (socket: TLSSocket) => {
      socket.write(`${HEAD}Content-Length: 999\r\n\r\n`);
      endlessly(socket, 'x', 5);
    };
    expect(await failureOf(ask(slow, { timeoutMs: 60 }))).toEqual(['timeout', true]);
  });

  it('that stops within its body', async () => {
    const stops = (socket: TLSSocket) => socket.write(`${HEAD}Content-Length: 999\r\n\r\nx`);
    expect(await failureOf(ask(stops, { silenceMs: 30 }))).toEqual(['timeout', true]);
  });

  it('that sends interim answers for ever', async () => {
    const interim = (socket: TLSSocket) => {
      endlessly(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n', 1);
    };
    expect(await failureOf(ask(interim, { timeoutMs: 60 }))).toEqual(['timeout', true]);
  });

  it('that does not shake hands', async () => {
    const silent = new HttpClient({
      dns: new FakeDns({ 'hs.test': [['127.0.0.1']] }),
      denylist: new IpDenylist([]),
      connectTimeoutMs: 40,
    });
    http = silent;
    const { createServer } = await import('node:net');
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const request = { target: at('hs.test', port), method: 'GET', path: '/', maxBytes: 1 };
    expect(await failureOf(silent.request({ ...request, timeoutMs: 5_000 }))).toEqual(['timeout', false]);
    expect(await failureOf(silent.request({ ...request, timeoutMs: 10 }))).toEqual(['timeout', false]);
    server.close();
  });

  it('that announces too large a body', async () => {
    const large = (socket: TLSSocket) => socket.write(`${HEAD}Content-Length: 1001\r\n\r\n`);
    expect(await failureOf(ask(large))).toEqual(['too-large', true]);
  });

  it('that sends more than several may send together', async () => {
    let left = 500;
    const allowance = { take: (bytes: number) => (left -= bytes) >= 0 };
    const sends = (socket: TLSSocket) => socket.write(`${HEAD}Content-Length: 400\r\n\r\n${'x'.repeat(400)}`);
    expect((await ask(sends, { allowance })).body).toHaveLength(400);
    expect(await failureOf(ask(sends, { allowance }))).toEqual(['too-large', true]);
  });

  it('that sends an endless body', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const endless = (socket: TLSSocket) => {
      closed = new Promise((resolve) => socket.once('close', resolve));
      socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
      endlessly(socket, '64\r\n' + 'x'.repeat(100) + '\r\n');
    };
    expect(await failureOf(ask(endless))).toEqual(['too-large', true]);
    await closed;
  });

  it('whose body just fits', async () => {
    const fits = (socket: TLSSocket) =>
      socket.write(`${HEAD}Content-Length: 1000\r\n\r\n${'x'.repeat(1_000)}`);
    expect((await ask(fits)).body).toHaveLength(1_000);
  });

  it('whose headers are too large', async () => {
    const large = (socket: TLSSocket) => socket.write(`${HEAD}x: ${'y'.repeat(2_000)}\r\n\r\n`);
    expect(await failureOf(ask(large))).toEqual(['too-large', true]);
  });

  it('whose headers do not end', async () => {
    const endless = (socket: TLSSocket) => {
      socket.write(HEAD);
      endlessly(socket, 'x: y\r\n'.repeat(20));
    };
    expect(await failureOf(ask(endless))).toEqual(['too-large', true]);
  });

  it('that compresses although nobody asked', async () => {
    const zip = (socket: TLSSocket) => {
      const body = gzipSync('{}');
      socket.write(`${HEAD}Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`);
      socket.write(body);
    };
    expect(await failureOf(ask(zip))).toEqual(['protocol', true]);
  });

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`],
    ['both a length and chunks', `${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ])('that speaks %s', async (_name, text) => {
    expect(await failureOf(ask((socket) => socket.end(text)))).toEqual(['protocol', true]);
  });

  it('that switches protocols although nobody asked', async () => {
    const switches = (socket: TLSSocket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    expect(await failureOf(ask(switches, { timeoutMs: 1_000 }))).toEqual(['unreachable', true]);
  });

  it.each([
    ['before its answer', ''],
    ['within its headers', 'HTTP/1.1 200 OK\r\nx: '],
    ['within its body', `${HEAD}Content-Length: 10\r\n\r\nx`],
  ])('that hangs up %s', async (_name, text) => {
    expect(await failureOf(ask((socket) => socket.end(text)))).toEqual(['unreachable', true]);
  });
});

describe('JSON in answers', () => {
  it('is bounded in depth', () => {
    const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth));
    expect(parseJsonAnswer(nested(512))).toBeDefined();
    expect(parseJsonAnswer(nested(513))).toBeUndefined();
    expect(parseJsonAnswer(nested(1_000_000))).toBeUndefined();
  });

  it.each(['', '<html>', '{', "{'a':1}", '{"a":1}x'])('is not %j', (text) => {
    expect(parseJsonAnswer(Buffer.from(text))).toBeUndefined();
  });

  it('is UTF-8', () => {
    expect(parseJsonAnswer(Buffer.from('"\xff"', 'latin1'))).toBeUndefined();
    expect(parseJsonAnswer(Buffer.from('"é"'))).toBe('é');
  });

  it('keeps numbers as they came', () => {
    expect(JSON.stringify(parseJsonAnswer(Buffer.from('{"a":1.0}')))).toBe('{"a":1.0}');
  });
});
