/** Where Redis is: one server, a Sentinel group or a Cluster. */
export type RedisTarget =
  | { readonly kind: 'single'; readonly url: string }
  | ({ readonly kind: 'sentinel'; readonly master: string; readonly db: number } & RedisNodes)
  | ({ readonly kind: 'cluster' } & RedisNodes);

interface RedisNodes {
  readonly nodes: readonly { host: string; port: number }[];
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
}

const GROUP_URL = /^(rediss?)-(sentinel|cluster):\/\/(?:([^@/]*)@)?([^/?]+)(?:\/([^/?]*))?(?:\/(\d+))?\/?$/;

/**
 * Reads `redis://`, `rediss://` (TLS), `redis-sentinel://[user:password@]host:port,…/master[/db]` and
 * `redis-cluster://[user:password@]host:port,…`; `rediss-sentinel` and `rediss-cluster` use TLS.
 * @throws Error on anything else, without the URL's text, which may hold a password.
 */
export function parseRedisUrl(url: string): RedisTarget {
  if (url.startsWith('redis://') || url.startsWith('rediss://')) return { kind: 'single', url };
  const match = GROUP_URL.exec(url);
  if (!match) throw new Error('The Redis URL is not redis, rediss, redis-sentinel or redis-cluster');
  const [, scheme, kind, credentials, hosts = '', path, db] = match;
  const group: RedisNodes = {
    nodes: hosts.split(',').map((host) => parseNode(host, kind === 'sentinel' ? 26379 : 6379)),
    ...parseCredentials(credentials),
    tls: scheme === 'rediss',
  };
  if (kind === 'cluster') return { kind: 'cluster', ...group };
  if (!path) throw new Error('A redis-sentinel URL ends in the name of the master');
  return { kind: 'sentinel', master: decodeURIComponent(path), db: Number(db ?? 0), ...group };
}

function parseNode(text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text);
  if (!match?.[1]) throw new Error('A node of the Redis URL is not host:port');
  return { host: match[1].replace(/^\[|\]$/g, ''), port: Number(match[2] ?? defaultPort) };
}

function parseCredentials(text: string | undefined): { username?: string; password?: string } {
  if (!text) return {};
  const colon = text.indexOf(':');
  const username = decodeURIComponent(colon < 0 ? text : text.slice(0, colon));
  const password = colon < 0 ? '' : decodeURIComponent(text.slice(colon + 1));
  return { ...(username && { username }), ...(password && { password }) };
}
