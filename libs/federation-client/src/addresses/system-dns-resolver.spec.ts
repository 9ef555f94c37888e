import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HostsFile } from './hosts-file.js';
import { NameServer, srvData, wireName } from './name-server.spec-support.js';
import { SystemDnsResolver } from './system-dns-resolver.js';

const v6 = (last: number) => Buffer.concat([Buffer.of(0x2a, 0), Buffer.alloc(13), Buffer.of(last)]);

const server = new NameServer([
  { name: 'both.test', type: 'A', data: Buffer.of(192, 0, 2, 1) },
  { name: 'both.test', type: 'AAAA', data: v6(1) },
  { name: 'four.test', type: 'A', data: Buffer.of(192, 0, 2, 2) },
  { name: 'alias.test', type: 'CNAME', data: wireName('four.test') },
  { name: '_matrix-fed._tcp.hs.test', type: 'SRV', data: srvData(10, 5, 4711, 'both.test') },
  { name: '_matrix-fed._tcp.none.test', type: 'SRV', data: srvData(0, 0, 0, '.') },
]);
let dns: SystemDnsResolver;

beforeAll(async () => {
  const servers = [await server.listen()];
  dns = new SystemDnsResolver({ servers, timeoutMs: 30, tries: 2, hostsFile: new HostsFile('/dev/null') });
});
afterAll(() => {
  server.close();
});

describe('the resolver', () => {
  it.each([
    ['AAAA and A records', 'both.test', ['2a00::1', '192.0.2.1']],
    ['one kind only', 'four.test', ['192.0.2.2']],
    ['an alias', 'alias.test', ['192.0.2.2']],
    ['a name that does not exist', 'none.test', []],
    ['a name server that is silent', 'a.silent', []],
  ])('gives the addresses of %s', async (_name, hostname, expected) => {
    expect(await dns.addresses(hostname)).toEqual(expected);
  });

  it('gives SRV records', async () => {
    expect(await dns.srv('_matrix-fed._tcp.hs.test')).toMatchObject([
      { name: 'both.test', port: 4711, priority: 10, weight: 5 },
    ]);
    expect(await dns.srv('_matrix-fed._tcp.none.test')).toMatchObject([{ name: '', port: 0 }]);
  });

  it('rejects when there is no SRV record', async () => {
    await expect(dns.srv('_matrix-fed._tcp.both.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(dns.srv('_matrix-fed._tcp.a.silent')).rejects.toMatchObject({ code: 'ETIMEOUT' });
  });

  it('asks nobody about names in the hosts file', async () => {
    const before = server.questions;
    expect(await new SystemDnsResolver().addresses('localhost')).toContain('127.0.0.1');
    expect(server.questions).toBe(before);
  });
});
