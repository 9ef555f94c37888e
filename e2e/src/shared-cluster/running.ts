import { rm } from 'node:fs/promises';
import type { Cluster } from '@atoll/testing';

let stop: (() => Promise<void>) | undefined;

/** Jest runs the global set-up and tear-down in one process, where they share this module. */
export function keepForTeardown(cluster: Cluster, folder: string): void {
  stop = async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

export async function stopRunning(): Promise<void> {
  await stop?.();
}
