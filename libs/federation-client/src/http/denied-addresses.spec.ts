import type { IncomingMessage, ServerResponse } from 'node:http';
import { DEFAULT_IP_DENYLIST } from '@atoll/config';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { IpDenylist } from '../addresses/ip-denylist.js';
import { HttpClient } from './http-client.js';
import { at, failureOf, FakeDns, issue, LocalServers, makeAuthority } from './local-servers.spec-support.js';
import type { Authority } from './local-servers.spec-support.js';

const servers = new LocalServers();
const clients: HttpClient[] = [];
let ca: Authority;
let certificate: Authority;
let port: number;
let reached = 0;

beforeAll(async () => {
  ca = await makeAuthority();
  certificate = await issue(ca, ['hs.test', 'a.test', '127.0.0.1']);
  port = await servers.https(certificate, (_request, response) => {
    reached++;
    response.setHeader('connection', 'close');
    response.end('{}');
  });
});
afterEach(async () => {
  reached = 0;
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => servers.close());

function client(denylist: readonly string[], names: Record<string, string[][]> = {}) {
  const dns = new FakeDns(names);
  const http = new HttpClient({ dns, denylist: new IpDenylist(denylist), extraCa: [ca.cert] });
  clients.push(http);
  return { http, dns };
}

const bounds = { timeoutMs: 5_000, maxBytes: 10_000 };
const get = (host: string) => ({
  ...bounds,
  target: at(host, port, 'hs.test'),
  method: 'GET' as const,
  path: '/',
});

describe('the deny-list', () => {
  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::1', '0.0.0.0'])(
    'by default refuses the literal %s',
    async (literal) => {
      const { http } = client(DEFAULT_IP_DENYLIST);
      expect(await failureOf(http.request(get(literal)))).toEqual(['denied', false]);
      expect(reached).toBe(0);
    },
  );

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '10.0.0.1'])(
    'by default refuses a name for %s',
    async (address) => {
      const { http, dns } = client(DEFAULT_IP_DENYLIST, { 'hs.test': [[address]] });
      expect(await failureOf(http.request(get('hs.test')))).toEqual(['denied', false]);
      expect(dns.lookUps).toBe(1);
      expect(reached).toBe(0);
    },
  );

  it('is checked on the answer that the connection uses, so that a second answer changes nothing', async () => {
    const { http, dns } = client(['127.0.0.2/32'], { 'hs.test': [['127.0.0.1'], ['127.0.0.2']] });
    expect((await http.request(get('hs.test'))).status).toBe(200);
    expect(dns.lookUps).toBe(1);
    expect(await failureOf(http.request(get('hs.test')))).toEqual(['denied', false]);
    expect(dns.lookUps).toBe(2);
    expect(reached).toBe(1);
  });

  it('leaves the other addresses of a name', async () => {
    const { http } = client(['127.0.0.2'], { 'hs.test': [['127.0.0.2', '::ffff:127.0.0.2', '127.0.0.1']] });
    expect((await http.request(get('hs.test'))).status).toBe(200);
  });

  it('is not got around by names that only look like addresses, or answers that are none', async () => {
    const { http } = client(DEFAULT_IP_DENYLIST, { 'hs.test': [['localhost', '127.1']] });
    for (const name of ['2130706433', '127.1', '0x7f.1', 'hs.test']) {
      expect(await failureOf(http.request(get(name)))).toEqual(['unresolvable', false]);
    }
    const url = `https://2130706433:${port}/`;
    expect(await failureOf(http.get({ ...bounds, url, redirects: 3 }))).toEqual(['denied', false]);
    expect(reached).toBe(0);
  });
});

describe('redirects', () => {
  /** A server that sends every request where `location` says; its port. */
  const redirecting = (location: (url: string) => string | undefined, status = 302) =>
    servers.https(certificate, (request: IncomingMessage, response: ServerResponse) => {
      const to = location(request.url ?? '');
      response.writeHead(to === undefined ? 200 : status, to === undefined ? {} : { location: to });
      response.end(request.url);
    });
  const names = { 'a.test': [['127.0.0.1']], 'hs.test': [['127.0.0.1']], 'evil.test': [['127.0.0.2']] };

  it.each([301, 302, 303, 307, 308])('of status %d are followed where they are allowed', async (status) => {
    const from = await redirecting((url) => (url === '/1' ? '2?x=y#z' : undefined), status);
    const answer = await client([], names).http.get({
      ...bounds,
      url: `https://a.test:${from}/1`,
      redirects: 1,
    });
    expect([answer.status, answer.body.toString()]).toEqual([200, '/2?x=y']);
  });

  it('go to other hosts', async () => {
    const from = await redirecting(() => `https://hs.test:${port}/`);
    const answer = await client([], names).http.get({
      ...bounds,
      url: `https://a.test:${from}/`,
      redirects: 1,
    });
    expect([answer.status, answer.body.toString(), reached]).toEqual([200, '{}', 1]);
  });

  it('take headers along to the same host only', async () => {
    const seen: unknown[] = [];
    const last = await servers.https(certificate, ({ headers }, response) => {
      seen.push(headers['x-secret']);
      response.end();
    });
    const from = await servers.https(certificate, ({ url, headers }, response) => {
      seen.push(headers['x-secret']);
      response.writeHead(302, { location: url === '/' ? '/2' : `https://hs.test:${last}/` }).end();
    });
    const headers = { 'X-Secret': 'y' };
    const { http } = client([], names);
    await http.get({ ...bounds, url: `https://a.test:${from}/`, redirects: 2, headers });
    expect(seen).toEqual(['y', 'y', undefined]);
  });

  it('are answers where none are allowed', async () => {
    const from = await redirecting(() => `https://hs.test:${port}/`);
    const { http } = client([], names);
    const url = `https://a.test:${from}/`;
    expect((await http.get({ ...bounds, url, redirects: 0 })).status).toBe(302);
    const target = at('a.test', from);
    expect((await http.request({ ...bounds, target, method: 'GET', path: '/' })).status).toBe(302);
    expect(reached).toBe(0);
  });

  it.each([
    ['an address in the deny-list', () => `https://127.0.0.2:${port}/`, 'denied'],
    ['it as IPv6', () => `https://[::ffff:127.0.0.2]:${port}/`, 'denied'],
    ['it as a number', () => `https://2130706434:${port}/`, 'denied'],
    ['a name that has it', () => `https://evil.test:${port}/`, 'denied'],
    ['HTTP without TLS', () => `http://hs.test:${port}/`, 'protocol'],
    ['a file', () => 'file:///etc/passwd', 'protocol'],
    ['nowhere', () => 'https://', 'protocol'],
    ['itself', () => '/', 'protocol'],
    ['ever new places', (url: string) => `${url}x`, 'protocol'],
  ])('to %s fail', async (_name, location, kind) => {
    const from = await redirecting(location);
    const { http } = client(['127.0.0.2'], names);
    const request = http.get({ ...bounds, url: `https://a.test:${from}/`, redirects: 5 });
    expect((await failureOf(request))[0]).toBe(kind);
    expect(reached).toBe(0);
  });
});
