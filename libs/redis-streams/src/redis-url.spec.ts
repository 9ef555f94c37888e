import { describe, expect, it } from '@jest/globals';
import { parseRedisUrl } from './redis-url.js';

describe('parseRedisUrl', () => {
  it('leaves the URL of one server to the client', () => {
    expect(parseRedisUrl('rediss://:pw@host:1/2')).toEqual({ kind: 'single', url: 'rediss://:pw@host:1/2' });
  });

  it('reads a Sentinel group', () => {
    expect(parseRedisUrl('redis-sentinel://u:p%40ss@a:1,[::1]:2,c/main/3')).toEqual({
      kind: 'sentinel',
      nodes: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
        { host: 'c', port: 26379 },
      ],
      username: 'u',
      password: 'p@ss',
      master: 'main',
      db: 3,
      tls: false,
    });
  });

  it('reads a Cluster over TLS', () => {
    expect(parseRedisUrl('rediss-cluster://:pw@a,b:7000')).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7000 },
      ],
      password: 'pw',
      tls: true,
    });
  });

  it.each(['http://host', 'redis-sentinel://a:1', 'redis-cluster://a:b'])('refuses %s', (url) => {
    expect(() => parseRedisUrl(url)).toThrow();
  });

  it('keeps the password out of its errors', () => {
    expect(() => parseRedisUrl('redis-other://:hidden@a')).toThrow(/^(?!.*hidden)/);
  });
});
