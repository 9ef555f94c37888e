import type { IncomingHttpHeaders } from 'node:http';
import { DEFAULT_IP_DENYLIST } from '@atoll/config';
import { canonicalJson, generateSigningKey, verifySignature } from '@atoll/event-crypto';
import type { JsonValue, ServerName } from '@atoll/matrix';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { IpDenylist } from '../addresses/ip-denylist.js';
import { ServerDiscovery } from '../discovery/server-discovery.js';
import { HttpClient } from '../http/http-client.js';
import { FakeDns, issue, LocalServers, makeAuthority } from '../http/local-servers.spec-support.js';
import type { Authority } from '../http/local-servers.spec-support.js';
import { createFederationClient } from './create-federation-client.js';
import { FederationClient, type SendOptions } from './federation-client.js';

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const servers = new LocalServers();
const key = generateSigningKey();
const origin = 'hs1.test' as ServerName;
const destination = 'hs2.test' as ServerName;
const received: Received[] = [];
const clients: { close: () => Promise<void> }[] = [];
let ca: Authority;
let certificate: Authority;
let answer: [number, string] = [200, '{}'];
/** Answers with `answer`. */
let good: number;
/** Takes the request and hangs up. */
let loses: number;
let lost = 0;
/** Takes the request and says nothing. */
let silent: number;
/** Nobody listens. */
let refuses: number;
/** Has a certificate for another name. */
let wrongName: number;

beforeAll(async () => {
  ca = await makeAuthority();
  certificate = await issue(ca, ['hs2.test', 'm.test']);
  good = await servers.https(certificate, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(answer[0]).end(answer[1]);
    });
  });
  loses = await servers.raw(certificate, (socket) => {
    lost++;
    socket.destroy();
  });
  silent = await servers.raw(certificate, () => {
    lost++;
  });
  wrongName = await servers.https(await issue(ca, ['other.test']), (_request, response) => {
    lost++;
    response.end('{}');
  });
  const closing = new LocalServers();
  refuses = await closing.https(certificate, () => undefined);
  await closing.close();
});
beforeEach(() => {
  answer = [200, '{}'];
  received.length = 0;
  lost = 0;
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => servers.close());

/** A client for which the destination answers at these ports, in this order. */
function clientOf(ports: readonly number[], denylist: readonly string[] = [], delegated?: string) {
  const http = new HttpClient({
    dns: new FakeDns({ 'hs2.test': [['127.0.0.1']], 'm.test': [['127.0.0.1']] }),
    denylist: new IpDenylist(denylist),
    extraCa: [ca.cert],
  });
  clients.push(http);
  let discoveries = 0;
  const clock = { now: 0 };
  const discovery = new ServerDiscovery({
    fetchWellKnown: () =>
      delegated === undefined
        ? Promise.reject(new Error('ECONNREFUSED'))
        : Promise.resolve({ status: 200, headers: {}, body: Buffer.from(`{"m.server":"${delegated}"}`) }),
    srv: (name) => {
      discoveries++;
      return name.startsWith('_matrix-fed')
        ? Promise.resolve(ports.map((port, priority) => ({ name: 'hs2.test', port, priority, weight: 0 })))
        : Promise.resolve([]);
    },
    now: () => clock.now,
  });
  const client = new FederationClient({ origin, key, http, discovery });
  const send = (method: 'GET' | 'PUT' | 'POST', content?: JsonValue, options?: SendOptions) =>
    client.send(destination, method, '/_matrix/federation/v1/x/a%2Fb?c=d', content, {
      timeoutMs: 5_000,
      ...options,
    });
  return { client, send, clock, discoveries: () => discoveries };
}

describe('a request to another server', () => {
  it('arrives signed, with the text that was signed', async () => {
    answer = [200, '{"pdus":{"$a":{}}}'];
    const content = { b: 1, a: 'é' };
    const result = await clientOf([good]).send('PUT', content);
    expect(result).toEqual({ outcome: 'answered', status: 200, body: { pdus: { $a: {} } } });
    const [{ method, url, headers, body } = {} as Received] = received;
    expect({ method, url, body }).toEqual({
      method: 'PUT',
      url: '/_matrix/federation/v1/x/a%2Fb?c=d',
      body: '{"a":"é","b":1}',
    });
    expect(headers).toMatchObject({ host: 'hs2.test', 'content-type': 'application/json' });
    const sig = /sig="(.*)"/.exec(headers.authorization ?? '')?.[1] ?? '';
    const signed = canonicalJson({ method: 'PUT', uri: url, origin, destination, content });
    expect(await verifySignature(Buffer.from(signed), sig, key.publicKey)).toBe(true);
  });

  it('has neither body nor content type without content', async () => {
    await clientOf([good]).send('GET');
    expect(received[0]?.body).toBe('');
    expect(received[0]?.headers).not.toHaveProperty('content-type');
  });

  it('is for the Host that the destination delegates to, and signed for the destination', async () => {
    await clientOf([], [], `m.test:${good}`).send('GET');
    expect(received[0]?.headers.host).toBe(`m.test:${good}`);
    expect(received[0]?.headers.authorization).toContain('destination="hs2.test"');
  });

  it('must be one of Matrix', async () => {
    await expect(clientOf([good]).client.send(destination, 'GET', '/admin')).rejects.toThrow(TypeError);
  });
});

describe('candidates', () => {
  it('are tried in turn while none has got the request', async () => {
    expect(await clientOf([refuses, wrongName, good]).send('POST', {})).toMatchObject({
      outcome: 'answered',
    });
    expect([received.length, lost]).toEqual([1, 0]);
  });

  it('get a request that was lost again only if doing it twice is doing it once', async () => {
    expect(await clientOf([loses, good]).send('POST', {})).toMatchObject({ kind: 'unreachable' });
    expect([received.length, lost]).toEqual([0, 1]);
    expect(await clientOf([loses, good]).send('PUT', {})).toMatchObject({ outcome: 'answered' });
    expect([received.length, lost]).toEqual([1, 3]);
    expect(await clientOf([loses]).send('GET')).toMatchObject({ outcome: 'failed', kind: 'unreachable' });
    expect([received.length, lost]).toEqual([1, 5]);
  });

  it('get nothing after one that is slow', async () => {
    const result = await clientOf([silent, good]).send('PUT', {}, { timeoutMs: 80 });
    expect(result).toMatchObject({ outcome: 'failed', kind: 'timeout', error: { status: 504 } });
    expect([received.length, lost]).toEqual([0, 1]);
  });

  it.each([
    ['soon when none could be reached', () => refuses, 2],
    ['later when one could', () => good, 1],
  ])('are looked up again %s', async (_name, port, expected) => {
    const { send, clock, discoveries } = clientOf([port()]);
    await send('GET');
    clock.now = 14_999;
    await send('GET');
    expect(discoveries()).toBe(1);
    clock.now = 15_000;
    await send('GET');
    expect(discoveries()).toBe(expected);
  });
});

describe('what becomes of a request', () => {
  it.each<[number, string, object]>([
    [200, '[1]', { outcome: 'answered', status: 200, body: [1] }],
    [202, 'null', { outcome: 'answered', status: 202, body: null }],
    [403, '{"errcode":"M_FORBIDDEN","x":1}', { outcome: 'refused', status: 403, errcode: 'M_FORBIDDEN' }],
    [404, '<html>', { outcome: 'refused', status: 404, errcode: 'M_UNKNOWN', body: {} }],
    [429, '{"errcode":1}', { outcome: 'refused', status: 429, errcode: 'M_UNKNOWN', body: {} }],
    [302, '', { outcome: 'refused', status: 302, errcode: 'M_UNKNOWN', body: {} }],
    [200, '<html>', { outcome: 'failed', kind: 'protocol', error: { status: 502, errcode: 'M_UNKNOWN' } }],
    [200, `${'['.repeat(600)}${']'.repeat(600)}`, { outcome: 'failed', kind: 'protocol' }],
    [200, `"${'x'.repeat(2_000)}"`, { outcome: 'failed', kind: 'too-large' }],
  ])('%d with %j', async (status, text, expected) => {
    answer = [status, text];
    expect(await clientOf([good]).send('GET', undefined, { maxBytes: 1_500 })).toMatchObject(expected);
  });

  it('is bytes when bytes are asked for, within the same bounds', async () => {
    const { client } = clientOf([good]);
    const bytes = (maxBytes: number) =>
      client.sendForBytes(destination, 'PUT', '/_matrix/x', {}, { maxBytes, timeoutMs: 5_000 });
    answer = [200, '{"a": 1.0'];
    expect(await bytes(9)).toEqual({ outcome: 'answered', status: 200, body: Buffer.from(answer[1]) });
    expect(await bytes(8)).toMatchObject({ outcome: 'failed', kind: 'too-large' });
    answer = [403, '{"errcode":"M_FORBIDDEN"}'];
    expect(await bytes(1_000)).toMatchObject({ outcome: 'refused', errcode: 'M_FORBIDDEN' });
  });

  it('is not read from a long refusal', async () => {
    answer = [403, `{"errcode":"M_FORBIDDEN","error":"${'x'.repeat(65_536)}"}`];
    expect(await clientOf([good]).send('GET')).toMatchObject({ errcode: 'M_UNKNOWN', body: {} });
  });

  it('tells clients the same of addresses that are denied and of those where nobody is', async () => {
    const denied = await clientOf([good], DEFAULT_IP_DENYLIST).send('GET');
    const refused = await clientOf([refuses]).send('GET');
    expect([denied, refused]).toMatchObject([{ kind: 'denied' }, { kind: 'unreachable' }]);
    const errors = [denied, refused].map((result) => result.outcome === 'failed' && result.error.body());
    const expected = { errcode: 'M_UNKNOWN', error: 'The server hs2.test cannot be reached' };
    expect(errors).toEqual([expected, expected]);
  });

  it('is a failure when the name is invalid or the service is not available', async () => {
    const { client } = clientOf([]);
    const result = await client.send('127.1' as ServerName, 'GET', '/_matrix/x');
    expect(result).toMatchObject({ outcome: 'failed', kind: 'unresolvable' });
  });
});

describe('discovery', () => {
  it('counts against the time-out', async () => {
    const http = new HttpClient({ dns: new FakeDns(), denylist: new IpDenylist([]) });
    clients.push(http);
    const discovery = new ServerDiscovery({
      fetchWellKnown: () => new Promise(() => undefined),
      srv: () => Promise.resolve([]),
    });
    const client = new FederationClient({ origin, key, http, discovery });
    const result = await client.send(destination, 'GET', '/_matrix/x', undefined, { timeoutMs: 20 });
    expect(result).toMatchObject({ outcome: 'failed', kind: 'timeout' });
  });
});

describe('the client made from settings', () => {
  it('reaches a server that has only an SRV record, and one with a port', async () => {
    const records = [{ name: 'm.test', port: good, priority: 0, weight: 0 }];
    const access = createFederationClient({
      serverName: origin,
      key,
      ipDenylist: [],
      extraCa: [ca.cert],
      // Nobody has a certificate for port 443 of the destination here, if anybody listens there at all.
      dns: new FakeDns(
        { 'm.test': [['127.0.0.1']], 'hs2.test': [['127.0.0.1']] },
        { '_matrix-fed._tcp.hs2.test': records },
      ),
    });
    clients.push(access);
    const { federation } = access;
    expect(await federation.send(destination, 'GET', '/_matrix/x')).toMatchObject({ outcome: 'answered' });
    const withPort = `m.test:${good}` as ServerName;
    expect(await federation.send(withPort, 'GET', '/_matrix/x')).toMatchObject({ outcome: 'answered' });
    expect(received.map(({ headers }) => headers.host)).toEqual(['hs2.test', withPort]);
  });
});
