import { TIMEOUT } from 'node:dns';
import type { Candidate } from './candidate.js';
import { splitServerName, type ServerNameParts } from './server-name-parts.js';
import { orderSrvRecords, type SrvRecord } from './srv-order.js';

/** What the steps ask the world; passed in, so that every step can be tested without a network. */
export interface DiscoverySources {
  /** Step 3: undefined for an error response of any kind. */
  readonly delegation: (hostname: string) => Promise<ServerNameParts | undefined>;
  /** Empty or rejecting when there is no record. */
  readonly srv: (name: string) => Promise<readonly SrvRecord[]>;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

const DEFAULT_PORT = 8448;
/** The second one is deprecated and asked only when the first one has no record. */
const SERVICES = ['_matrix-fed._tcp', '_matrix._tcp'];
const HOST_NAME = /^[A-Za-z0-9._-]{1,253}$/;
const MAX_CANDIDATES = 8;

/**
 * Where a server may answer, in the order to try. Host names become addresses only when a socket connects.
 *
 * 1. An IP literal is used as it is, with port 8448 by default.
 * 2. An explicit port settles the matter.
 * 3. `/.well-known` may delegate, and the delegated name goes through steps 1 and 2 (as 3.1 and 3.2) and 4 to 6 (as 3.3 to 3.5).
 * 4. `_matrix-fed._tcp` SRV records, else
 * 5. `_matrix._tcp` SRV records, else
 * 6. port 8448.
 *
 * @returns nothing when the name is invalid or SRV says that the service is not available
 * @see https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names
 */
export async function resolveServerName(name: string, sources: DiscoverySources): Promise<Candidate[]> {
  const given = splitServerName(name);
  if (given === undefined) return [];
  if (isSettled(given)) return [direct(given)];
  const delegated = await sources.delegation(given.host);
  if (delegated !== undefined && isSettled(delegated)) return [direct(delegated)];
  return bySrv(delegated ?? given, sources);
}

/** True when neither `.well-known` nor SRV has a say. */
export const isSettled = ({ isIpLiteral, port }: ServerNameParts) => isIpLiteral || port !== undefined;

const direct = ({ name, host, port = DEFAULT_PORT }: ServerNameParts): Candidate => ({
  host,
  port,
  hostHeader: name,
  tlsServerName: host,
});

async function bySrv(server: ServerNameParts, { srv, random }: DiscoverySources): Promise<Candidate[]> {
  for (const service of SERVICES) {
    const records = await srv(`${service}.${server.host}`).catch((error: unknown) =>
      isSilence(error) ? null : [],
    );
    if (records === null) break;
    if (records.length > 0) {
      const usable = records.filter(isUsable);
      return orderSrvRecords(usable, random)
        .slice(0, MAX_CANDIDATES)
        .map((record) => ({ ...direct(server), host: withoutRoot(record.name), port: record.port }));
    }
  }
  return [direct(server)];
}

/** Name servers that say nothing about one service say nothing about the other; waiting for both would be slow. */
const isSilence = (error: unknown) => error instanceof Error && 'code' in error && error.code === TIMEOUT;

/** The target `.`, which some resolvers give as the empty name, says that the service is decidedly not available. */
const isUsable = ({ name, port }: SrvRecord) => port > 0 && HOST_NAME.test(withoutRoot(name));

const withoutRoot = (name: string) => name.replace(/\.$/, '');
