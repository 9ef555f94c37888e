import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TlsOptions, TLSSocket } from 'node:tls';
import { IpDenylist } from '../addresses/ip-denylist.js';
import { HttpClient, type HttpClientOptions } from './http-client.js';
import type { Handshake } from './guarded-connector.js';
import { at, failureOf, FakeDns, issue, LocalServers, makeAuthority } from './local-servers.spec-support.js';
import type { Authority } from './local-servers.spec-support.js';

const servers = new LocalServers();
const clients: HttpClient[] = [];
let ca: Authority;
let certificate: Authority;
let port: number;
let lastSocket: TLSSocket | undefined;

beforeAll(async () => {
  ca = await makeAuthority();
  certificate = await issue(ca, ['hs.test', 'a.test', 'b.test', '127.0.0.1']);
  port = await servers.https(certificate, answer);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => servers.close());

function answer(request: IncomingMessage, response: ServerResponse): void {
  lastSocket = request.socket as TLSSocket;
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method, url, headers } = request;
    response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
  });
}

function client(options: Partial<HttpClientOptions> = {}): HttpClient {
  const made = new HttpClient({
    dns: new FakeDns({ 'hs.test': [['127.0.0.1']], 'a.test': [['127.0.0.1']], 'b.test': [['127.0.0.1']] }),
    denylist: new IpDenylist([]),
    extraCa: [ca.cert],
    ...options,
  });
  clients.push(made);
  return made;
}

const bounds = { timeoutMs: 5_000, maxBytes: 10_000 };
const get = (target = at('hs.test', port)) => ({ ...bounds, target, method: 'GET' as const, path: '/x' });

describe('a request', () => {
  it('arrives as it was given, with the Host header of its target', async () => {
    const { status, body } = await client().request({
      ...bounds,
      target: { host: 'hs.test', port, hostHeader: 'hs.test:8448', tlsServerName: 'hs.test' },
      method: 'PUT',
      path: '/_matrix/a%2Fb/?c=d%20e',
      headers: { Authorization: 'X-Matrix y', HOST: 'evil.test', 'Accept-Encoding': 'gzip' },
      body: '{"a":"é"}',
    });
    expect(status).toBe(200);
    expect(JSON.parse(body.toString())).toMatchObject({
      method: 'PUT',
      url: '/_matrix/a%2Fb/?c=d%20e',
      body: '{"a":"é"}',
      headers: { host: 'hs.test:8448', authorization: 'X-Matrix y', 'accept-encoding': 'identity' },
    });
    expect(lastSocket?.alpnProtocol).toBe('http/1.1');
    expect(lastSocket?.servername).toBe('hs.test');
  });

  it('reports the group of the key exchange, post-quantum where both can', async () => {
    const handshakes: Handshake[] = [];
    const http = client({ onHandshake: (handshake) => handshakes.push(handshake) });
    await http.request(get());
    await http.request(get());
    expect(handshakes).toEqual([{ protocol: 'TLSv1.3', group: 'X25519MLKEM768' }]);
  });

  it.each<[string, TlsOptions, Handshake]>([
    ['X25519 alone', { ecdhCurve: 'X25519' }, { protocol: 'TLSv1.3', group: 'X25519' }],
    ['P-384 alone', { ecdhCurve: 'P-384' }, { protocol: 'TLSv1.3', group: 'secp384r1' }],
    ['TLS 1.2', { maxVersion: 'TLSv1.2' }, { protocol: 'TLSv1.2', group: 'X25519' }],
    [
      'TLS 1.2 and P-256',
      { maxVersion: 'TLSv1.2', ecdhCurve: 'P-256' },
      { protocol: 'TLSv1.2', group: 'prime256v1' },
    ],
  ])('agrees with a peer that has %s', async (_name, options, handshake) => {
    const older = await servers.https({ ...certificate, ...options }, answer);
    const handshakes: Handshake[] = [];
    const http = client({ onHandshake: (one) => handshakes.push(one) });
    expect((await http.request(get(at('hs.test', older)))).status).toBe(200);
    expect(handshakes).toEqual([handshake]);
  });

  it('needs a certificate for an address when the name is one, and sends no server name then', async () => {
    expect((await client().request(get(at('127.0.0.1', port)))).status).toBe(200);
    expect(lastSocket?.servername).toBe(false);
    const other = await servers.https(await issue(ca, ['hs.test']), answer);
    expect(await failureOf(client().request(get(at('127.0.0.1', other))))).toEqual(['tls', false]);
  });

  it('needs a certificate for the given name, not for the host it connects to', async () => {
    const other = await servers.https(await issue(ca, ['hs.test']), answer);
    expect((await client().request(get(at('a.test', other, 'hs.test')))).status).toBe(200);
    expect(await failureOf(client().request(get(at('hs.test', other, 'a.test'))))).toEqual(['tls', false]);
  });

  it('does not share a connection between names', async () => {
    const http = client();
    await http.request(get(at('a.test', port)));
    const first = lastSocket;
    await http.request(get(at('b.test', port)));
    expect(lastSocket).not.toBe(first);
    await http.request(get(at('a.test', port)));
    expect(lastSocket).toBe(first);
  });

  it('refuses certificates that are expired, not yet valid, or signed by others', async () => {
    const day = 86_400_000;
    const expired = await issue(ca, ['hs.test'], {
      notBeforeDate: new Date(Date.now() - 2 * day),
      notAfterDate: new Date(Date.now() - day),
    });
    const early = await issue(ca, ['hs.test'], {
      notBeforeDate: new Date(Date.now() + day),
      notAfterDate: new Date(Date.now() + 2 * day),
    });
    const untrusted = await issue(await makeAuthority(), ['hs.test']);
    for (const bad of [expired, early, untrusted]) {
      const target = at('hs.test', await servers.https(bad, answer));
      expect(await failureOf(client().request(get(target)))).toEqual(['tls', false]);
    }
    expect(await failureOf(client({ extraCa: [] }).request(get()))).toEqual(['tls', false]);
  });

  it('refuses TLS 1.1', async () => {
    const old = { ...certificate, minVersion: 'TLSv1' as const, maxVersion: 'TLSv1.1' as const };
    const target = at('hs.test', await servers.https({ ...old, ciphers: 'DEFAULT@SECLEVEL=0' }, answer));
    expect(await failureOf(client().request(get(target)))).toEqual(['tls', false]);
  });

  it('fails without delay when nobody listens, and when the name has no address', async () => {
    const closing = new LocalServers();
    const nobody = await closing.https(certificate, answer);
    await closing.close();
    expect(await failureOf(client().request(get(at('hs.test', nobody))))).toEqual(['unreachable', false]);
    expect(await failureOf(client().request(get(at('none.test', port))))).toEqual(['unresolvable', false]);
  });

  it('tries the other addresses of a name', async () => {
    const dns = new FakeDns({ 'hs.test': [['::1', '127.0.0.2', '127.0.0.1']] });
    expect((await client({ dns }).request(get())).status).toBe(200);
  });

  it('tells no address', async () => {
    const closing = new LocalServers();
    const nobody = await closing.https(certificate, answer);
    await closing.close();
    await expect(client().request(get(at('hs.test', nobody)))).rejects.toThrow(
      /^The host cannot be reached$/,
    );
  });

  it('is refused when it is malformed itself', async () => {
    const request = client().request({ ...get(), path: 'no-slash' });
    await expect(request).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
  });
});

describe('connections', () => {
  it('are bounded in number for one origin', async () => {
    const sockets = new Set<unknown>();
    const count = (request: IncomingMessage, response: ServerResponse) => {
      sockets.add(request.socket);
      response.end('{}');
    };
    const target = at('hs.test', await servers.https(certificate, count));
    const http = client({ connectionsPerOrigin: 2 });
    await Promise.all(Array.from({ length: 20 }, () => http.request(get(target))));
    expect(sockets.size).toBe(2);
  });

  it('of the origin not used for longest are closed, when they have finished what they have begun', async () => {
    const arrived = Promise.withResolvers<ServerResponse>();
    const slow = await servers.https(certificate, (_request, response) => {
      arrived.resolve(response);
    });
    const http = client({ maxOrigins: 1 });
    const pending = http.request(get(at('a.test', slow)));
    const response = await arrived.promise;
    await http.request(get(at('b.test', port)));
    const closed = new Promise((resolve) => response.socket?.once('close', resolve));
    response.end('{}');
    expect((await pending).status).toBe(200);
    await closed;
  });

  it('are closed when their origin is not used', async () => {
    const http = client({ idleOriginMs: 20 });
    await http.request(get());
    const socket = lastSocket;
    await new Promise((resolve) => socket?.once('close', resolve));
    expect((await http.request(get())).status).toBe(200);
  });

  it('end within the grace when the client closes, and no new ones are made', async () => {
    const arrived = Promise.withResolvers<ServerResponse>();
    const slow = await servers.https(certificate, (_request, response) => {
      arrived.resolve(response);
    });
    const http = client();
    const failure = failureOf(http.request(get(at('a.test', slow))));
    await arrived.promise;
    await http.close(20);
    expect(await failure).toEqual(['unreachable', true]);
    expect(await failureOf(http.request(get()))).toEqual(['unreachable', false]);
  });
});
