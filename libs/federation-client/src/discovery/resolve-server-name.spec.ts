import { describe, expect, it } from '@jest/globals';
import type { Candidate } from './candidate.js';
import { resolveServerName } from './resolve-server-name.js';
import { splitServerName } from './server-name-parts.js';
import type { SrvRecord } from './srv-order.js';

interface World {
  /** What `.well-known` of a host name delegates to. */
  readonly delegations?: Record<string, string>;
  readonly srv?: Record<string, SrvRecord[]>;
}

/** Resolves a name in a world without a network; `asked` tells what was looked up, in order. */
async function resolve(name: string, { delegations = {}, srv = {} }: World = {}) {
  const asked: string[] = [];
  const candidates = await resolveServerName(name, {
    delegation: (hostname) => {
      asked.push(`well-known ${hostname}`);
      return Promise.resolve(splitServerName(delegations[hostname] ?? ''));
    },
    srv: (service) => {
      asked.push(service);
      const records = srv[service];
      return records === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(records);
    },
    random: () => 0,
  });
  return { asked, candidates };
}

const candidate = (host: string, port: number, hostHeader: string, tlsServerName: string): Candidate => ({
  host,
  port,
  hostHeader,
  tlsServerName,
});
const record = (name: string, port: number, priority = 10, weight = 0) => ({ name, port, priority, weight });

const wellKnown = 'well-known hs.example';

describe('resolving server names', () => {
  it.each([
    ['1.2.3.4', candidate('1.2.3.4', 8448, '1.2.3.4', '1.2.3.4')],
    ['1.2.3.4:80', candidate('1.2.3.4', 80, '1.2.3.4:80', '1.2.3.4')],
    ['[2a00::1]', candidate('2a00::1', 8448, '[2a00::1]', '2a00::1')],
    ['[2a00::1]:80', candidate('2a00::1', 80, '[2a00::1]:80', '2a00::1')],
  ])('1: an IP literal is used as it is: %s', async (name, expected) => {
    expect(await resolve(name)).toEqual({ asked: [], candidates: [expected] });
  });

  it('2: an explicit port settles the matter', async () => {
    const expected = candidate('hs.example', 8448, 'hs.example:8448', 'hs.example');
    const delegations = { 'hs.example': 'other.example' };
    expect(await resolve('hs.example:8448', { delegations })).toEqual({ asked: [], candidates: [expected] });
  });

  it.each([
    ['1.2.3.4', candidate('1.2.3.4', 8448, '1.2.3.4', '1.2.3.4')],
    ['1.2.3.4:443', candidate('1.2.3.4', 443, '1.2.3.4:443', '1.2.3.4')],
    ['[2a00::1]', candidate('2a00::1', 8448, '[2a00::1]', '2a00::1')],
    ['[2a00::1]:443', candidate('2a00::1', 443, '[2a00::1]:443', '2a00::1')],
  ])('3.1: delegation to an IP literal: %s', async (delegated, expected) => {
    const delegations = { 'hs.example': delegated };
    expect(await resolve('hs.example', { delegations })).toEqual({
      asked: [wellKnown],
      candidates: [expected],
    });
  });

  it('3.2: delegation to a name with a port', async () => {
    const delegations = { 'hs.example': 'm.example:443' };
    expect(await resolve('hs.example', { delegations })).toEqual({
      asked: [wellKnown],
      candidates: [candidate('m.example', 443, 'm.example:443', 'm.example')],
    });
  });

  it('3.3: delegation to a name with a _matrix-fed SRV record', async () => {
    const world = {
      delegations: { 'hs.example': 'm.example' },
      srv: {
        '_matrix-fed._tcp.m.example': [record('target.example', 4711)],
        '_matrix._tcp.m.example': [record('old.example', 1)],
        '_matrix-fed._tcp.hs.example': [record('wrong.example', 1)],
      },
    };
    expect(await resolve('hs.example', world)).toEqual({
      asked: [wellKnown, '_matrix-fed._tcp.m.example'],
      candidates: [candidate('target.example', 4711, 'm.example', 'm.example')],
    });
  });

  it('3.4: delegation to a name with the deprecated _matrix SRV record only', async () => {
    const world = {
      delegations: { 'hs.example': 'm.example' },
      srv: { '_matrix._tcp.m.example': [record('old.example', 4711)] },
    };
    expect(await resolve('hs.example', world)).toEqual({
      asked: [wellKnown, '_matrix-fed._tcp.m.example', '_matrix._tcp.m.example'],
      candidates: [candidate('old.example', 4711, 'm.example', 'm.example')],
    });
  });

  it('3.5: delegation to a name without SRV records; a delegation is not followed twice', async () => {
    const delegations = { 'hs.example': 'm.example', 'm.example': 'wrong.example' };
    expect(await resolve('hs.example', { delegations })).toEqual({
      asked: [wellKnown, '_matrix-fed._tcp.m.example', '_matrix._tcp.m.example'],
      candidates: [candidate('m.example', 8448, 'm.example', 'm.example')],
    });
  });

  it('4: a _matrix-fed SRV record', async () => {
    const srv = {
      '_matrix-fed._tcp.hs.example': [record('target.example', 4711)],
      '_matrix._tcp.hs.example': [record('old.example', 1)],
    };
    expect(await resolve('hs.example', { srv })).toEqual({
      asked: [wellKnown, '_matrix-fed._tcp.hs.example'],
      candidates: [candidate('target.example', 4711, 'hs.example', 'hs.example')],
    });
  });

  it('5: the deprecated _matrix SRV record', async () => {
    const srv = {
      '_matrix-fed._tcp.hs.example': [],
      '_matrix._tcp.hs.example': [record('old.example', 4711)],
    };
    expect(await resolve('hs.example', { srv })).toEqual({
      asked: [wellKnown, '_matrix-fed._tcp.hs.example', '_matrix._tcp.hs.example'],
      candidates: [candidate('old.example', 4711, 'hs.example', 'hs.example')],
    });
  });

  it('6: neither delegation nor SRV record', async () => {
    expect(await resolve('hs.example')).toEqual({
      asked: [wellKnown, '_matrix-fed._tcp.hs.example', '_matrix._tcp.hs.example'],
      candidates: [candidate('hs.example', 8448, 'hs.example', 'hs.example')],
    });
  });

  it('6: name servers that say nothing are asked for one kind of record only', async () => {
    const asked: string[] = [];
    const candidates = await resolveServerName('hs.example', {
      delegation: () => Promise.resolve(undefined),
      srv: (service) => {
        asked.push(service);
        return Promise.reject(Object.assign(new Error('timeout'), { code: 'ETIMEOUT' }));
      },
      random: () => 0,
    });
    expect(asked).toEqual(['_matrix-fed._tcp.hs.example']);
    expect(candidates).toEqual([candidate('hs.example', 8448, 'hs.example', 'hs.example')]);
  });

  it('tries the targets of several SRV records in their order', async () => {
    const srv = {
      '_matrix-fed._tcp.hs.example': [record('b.example', 2, 20), record('a.example.', 1, 10)],
    };
    const { candidates } = await resolve('hs.example', { srv });
    expect(candidates.map(({ host, port }) => `${host}:${port}`)).toEqual(['a.example:1', 'b.example:2']);
  });

  it.each([
    ['the root', '.'],
    ['the root, as c-ares writes it', ''],
    ['no host name', 'a b'],
  ])('an SRV target that is %s means: not available', async (_name, target) => {
    const srv = {
      '_matrix-fed._tcp.hs.example': [record(target, 0)],
      '_matrix._tcp.hs.example': [record('old.example', 1)],
    };
    expect(await resolve('hs.example', { srv })).toEqual({
      asked: [wellKnown, '_matrix-fed._tcp.hs.example'],
      candidates: [],
    });
  });

  it('bounds the number of candidates', async () => {
    const records = Array.from({ length: 100 }, (_, index) => record(`h${index}.example`, 1));
    const srv = { '_matrix-fed._tcp.hs.example': records };
    expect((await resolve('hs.example', { srv })).candidates).toHaveLength(8);
  });

  it.each([
    '',
    'a b',
    'hs.example:0',
    'hs.example:65536',
    'hs.example:',
    'user@hs.example',
    'hs.example/path',
    '[::1',
    '[1.2.3.4]',
    '[2a00::g]',
    '2130706433',
    '127.1',
    '0x7f000001',
    '0x7f.1',
    '256.0.0.1',
    '1.2.3.4.',
  ])('finds nothing for %j', async (name) => {
    expect(await resolve(name)).toEqual({ asked: [], candidates: [] });
  });
});
