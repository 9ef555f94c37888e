import type { SrvRecord } from '../discovery/srv-order.js';

/** What is asked of DNS. */
export interface DnsResolver {
  /** The AAAA and A records of a name, aliases followed; empty or rejecting when there is none. */
  addresses(hostname: string): Promise<readonly string[]>;
  /** Empty or rejecting when there is no record. */
  srv(name: string): Promise<readonly SrvRecord[]>;
}
