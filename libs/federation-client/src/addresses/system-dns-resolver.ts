import { Resolver } from 'node:dns/promises';
import type { SrvRecord } from '../discovery/srv-order.js';
import type { DnsResolver } from './dns-resolver.js';
import { HostsFile } from './hosts-file.js';

export interface SystemDnsOptions {
  /** For one try. */
  readonly timeoutMs?: number;
  readonly tries?: number;
  readonly hostsFile?: HostsFile;
  /** `address:port`; by default those that the machine is set up with. */
  readonly servers?: readonly string[];
}

/**
 * The hosts file, then the name servers of this machine, asked directly: `getaddrinfo` would hold a thread of libuv's
 * pool, which signatures need as well, for as long as somebody else's name server likes. Search domains do not apply.
 */
export class SystemDnsResolver implements DnsResolver {
  readonly #resolver: Resolver;
  readonly #hosts: HostsFile;

  constructor({ timeoutMs = 1_000, tries = 2, hostsFile = new HostsFile(), servers }: SystemDnsOptions = {}) {
    this.#resolver = new Resolver({ timeout: timeoutMs, maxTimeout: timeoutMs, tries });
    if (servers !== undefined) this.#resolver.setServers(servers);
    this.#hosts = hostsFile;
  }

  async addresses(hostname: string): Promise<readonly string[]> {
    const known = await this.#hosts.addresses(hostname);
    if (known.length > 0) return known;
    const answers = await Promise.allSettled([
      this.#resolver.resolve6(hostname),
      this.#resolver.resolve4(hostname),
    ]);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  }

  srv(name: string): Promise<readonly SrvRecord[]> {
    return this.#resolver.resolveSrv(name);
  }
}
