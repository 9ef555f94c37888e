export type { DnsResolver } from './addresses/dns-resolver.js';
export { createFederationClient } from './federation/create-federation-client.js';
export type { FederationAccess, FederationSettings } from './federation/create-federation-client.js';
export type { FederationClient, FederationMethod, SendOptions } from './federation/federation-client.js';
export type { FetchJson } from './federation/fetch-json.js';
export type { SendResult } from './federation/send-result.js';
export type { ByteAllowance } from './http/exchange.js';
export type { OutboundErrorKind } from './http/outbound-error.js';
