import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IpDenylist } from '../addresses/ip-denylist.js';
import { HttpClient } from '../http/http-client.js';
import { FakeDns, issue, LocalServers, makeAuthority } from '../http/local-servers.spec-support.js';
import { jsonFetcher } from './fetch-json.js';

const servers = new LocalServers();
const clients: HttpClient[] = [];
const asked: (string | undefined)[] = [];
let [port, ca] = [0, ''];

beforeAll(async () => {
  const authority = await makeAuthority();
  ca = authority.cert;
  port = await servers.https(await issue(authority, ['id.test']), (request, response) => {
    asked.push(request.url);
    if (request.url === '/elsewhere') response.writeHead(302, { location: '/' }).end();
    else if (request.url === '/text') response.end('<html>');
    else if (request.url === '/long') response.end(JSON.stringify('x'.repeat(2_000)));
    else if (request.url === '/never') asked.push('silence');
    else response.end('{"valid":true}');
  });
});
afterAll(async () => {
  await servers.close();
  await Promise.all(clients.map((client) => client.close(0)));
});

function fetchJson(url: string, denylist: readonly string[] = []) {
  const client = new HttpClient({
    dns: new FakeDns({ 'id.test': [['127.0.0.1']] }),
    denylist: new IpDenylist(denylist),
    extraCa: [ca],
  });
  clients.push(client);
  return jsonFetcher(client)(url, { timeoutMs: url.endsWith('never') ? 200 : 5_000, maxBytes: 1_000 });
}

describe('JSON at a URL', () => {
  it('is read, with the query as it is', async () => {
    const url = `https://id.test:${port}/isvalid?a=b%20c&d=%2B`;
    expect(await fetchJson(url)).toEqual({ outcome: 'answered', status: 200, body: { valid: true } });
    expect(asked).toContain('/isvalid?a=b%20c&d=%2B');
  });

  it.each([
    ['what is no JSON', '/text', 'protocol'],
    ['too much', '/long', 'too-large'],
    ['nothing', '/never', 'timeout'],
  ])('fails for %s', async (_, path, kind) => {
    expect(await fetchJson(`https://id.test:${port}${path}`)).toMatchObject({ outcome: 'failed', kind });
  });

  it('follows no redirect', async () => {
    asked.length = 0;
    const answer = await fetchJson(`https://id.test:${port}/elsewhere`);
    expect(answer).toMatchObject({ outcome: 'refused', status: 302 });
    expect(asked).toEqual(['/elsewhere']);
  });

  it('is not asked for at denied addresses, by other schemes, or at what is no URL', async () => {
    asked.length = 0;
    const denied = await fetchJson(`https://id.test:${port}/`, ['127.0.0.0/8']);
    const plain = await fetchJson(`http://id.test:${port}/`);
    const none = await fetchJson('id.test');
    expect([denied, plain, none].map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'failed']);
    expect(asked).toEqual([]);
  });
});
