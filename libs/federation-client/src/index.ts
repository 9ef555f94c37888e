export type { DnsResolver } from './addresses/dns-resolver.js';
export { HostsFile } from './addresses/hosts-file.js';
export { IpDenylist } from './addresses/ip-denylist.js';
export { SystemDnsResolver } from './addresses/system-dns-resolver.js';
export type { SystemDnsOptions } from './addresses/system-dns-resolver.js';
export type { Candidate } from './discovery/candidate.js';
export type { WellKnownAnswer } from './discovery/delegation.js';
export { ServerDiscovery } from './discovery/server-discovery.js';
export type { ServerDiscoveryOptions } from './discovery/server-discovery.js';
export type { SrvRecord } from './discovery/srv-order.js';
export type { FetchWellKnown } from './discovery/well-known-lookup.js';
export { createFederationClient } from './federation/create-federation-client.js';
export type { FederationAccess, FederationSettings } from './federation/create-federation-client.js';
export { FederationClient } from './federation/federation-client.js';
export type {
  FederationClientOptions,
  FederationMethod,
  SendOptions,
} from './federation/federation-client.js';
export { wellKnownFetcher } from './federation/fetch-well-known.js';
export type { SendResult } from './federation/send-result.js';
export { signRequest } from './federation/sign-request.js';
export type { UnsignedRequest } from './federation/sign-request.js';
export type { HttpAnswer } from './http/exchange.js';
export type { Handshake } from './http/guarded-connector.js';
export { HttpClient } from './http/http-client.js';
export type { GetRequest, HttpClientOptions, HttpRequest } from './http/http-client.js';
export { parseJsonAnswer } from './http/json-answer.js';
export { OutboundError } from './http/outbound-error.js';
export type { OutboundErrorKind } from './http/outbound-error.js';
