import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

const READ_AGAIN_MS = 5_000;

/** The addresses that this machine's hosts file gives to names; read again when it is older than five seconds. */
export class HostsFile {
  #entries: Promise<ReadonlyMap<string, readonly string[]>> | undefined;
  #readAt = -Infinity;

  constructor(
    private readonly path = '/etc/hosts',
    private readonly now: () => number = () => performance.now(),
  ) {}

  async addresses(hostname: string): Promise<readonly string[]> {
    if (this.#entries === undefined || this.now() - this.#readAt > READ_AGAIN_MS) {
      this.#readAt = this.now();
      this.#entries = readFile(this.path, 'utf8').then(parseHosts, () => new Map<string, string[]>());
    }
    return (await this.#entries).get(hostname.toLowerCase()) ?? [];
  }
}

/** Addresses by name in lower case. */
export function parseHosts(text: string): Map<string, string[]> {
  const entries = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names.map((each) => each.toLowerCase())) {
      entries.set(name, [...(entries.get(name) ?? []), address]);
    }
  }
  return entries;
}
