import { RemoteServer } from '@atoll/testing';
import type { Bench } from '../benchmark.js';

/** Other servers, all in this process; they end with the benchmark. */
export async function startPeers(bench: Bench, count: number): Promise<RemoteServer[]> {
  const peers: RemoteServer[] = [];
  while (peers.length < count) {
    const peer = await RemoteServer.start();
    bench.atEnd(() => peer.stop());
    peers.push(peer);
  }
  return peers;
}

/** The environment in which Atoll trusts those who show these certificates, on the loopback address. */
export function trusting(certificateFiles: readonly string[]): Record<string, string> {
  return { ATOLL_EXTRA_CA: certificateFiles.join(','), ATOLL_IP_DENYLIST: '' };
}
