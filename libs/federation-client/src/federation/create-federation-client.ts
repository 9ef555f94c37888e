import type { SigningKey } from '@atoll/event-crypto';
import type { ServerName } from '@atoll/matrix';
import { counter } from '@atoll/telemetry';
import type { DnsResolver } from '../addresses/dns-resolver.js';
import { IpDenylist } from '../addresses/ip-denylist.js';
import { SystemDnsResolver } from '../addresses/system-dns-resolver.js';
import { ServerDiscovery } from '../discovery/server-discovery.js';
import { HttpClient } from '../http/http-client.js';
import { FederationClient } from './federation-client.js';
import { type FetchJson, jsonFetcher } from './fetch-json.js';
import { wellKnownFetcher } from './fetch-well-known.js';

export interface FederationSettings {
  readonly serverName: ServerName;
  readonly key: SigningKey;
  /** `ipDenylist` of `@atoll/config`. */
  readonly ipDenylist: readonly string[];
  /** The contents of the files that `extraCa` of `@atoll/config` names. */
  readonly extraCa?: readonly string[];
  readonly dns?: DnsResolver;
  readonly connectTimeoutMs?: number;
  readonly wellKnownTimeoutMs?: number;
  /** Servers to which connections are kept; see {@link HttpClient}. */
  readonly maxOrigins?: number;
}

export interface FederationAccess {
  readonly federation: FederationClient;
  readonly fetchJson: FetchJson;
  /** See {@link HttpClient.close}. */
  readonly close: (graceMs?: number) => Promise<void>;
}

/** Everything outbound, from the settings; one per process, so that connections and discoveries are shared. */
export function createFederationClient(settings: FederationSettings): FederationAccess {
  const { serverName, key, dns = new SystemDnsResolver(), connectTimeoutMs = 10_000 } = settings;
  const handshakes = counter(
    'atoll_federation_tls_handshakes_total',
    'Outbound TLS handshakes by protocol and group of the key exchange',
  );
  const http = new HttpClient({
    dns,
    denylist: new IpDenylist(settings.ipDenylist),
    extraCa: settings.extraCa ?? [],
    connectTimeoutMs,
    ...(settings.maxOrigins !== undefined && { maxOrigins: settings.maxOrigins }),
    onHandshake: ({ protocol, group }) => {
      handshakes.add(1, { protocol, group });
    },
  });
  const discovery = new ServerDiscovery({
    fetchWellKnown: wellKnownFetcher(http, settings.wellKnownTimeoutMs ?? 5_000),
    srv: (name) => dns.srv(name),
  });
  const federation = new FederationClient({ origin: serverName, key, http, discovery });
  return { federation, fetchJson: jsonFetcher(http), close: (graceMs) => http.close(graceMs) };
}
