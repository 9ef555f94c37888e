import { partitionOf } from '@atoll/contract';
import type { ServerName } from '@atoll/matrix';
import { LRUCache } from 'lru-cache';

const MAX_NAMES = 100_000;

/** Says to which partition a destination belongs; it remembers, for the hash is asked for with every event. */
export function destinationPartitions(partitions: number): (destination: ServerName) => number {
  const known = new LRUCache<ServerName, number>({ max: MAX_NAMES });
  return (destination) => {
    const partition = known.get(destination) ?? partitionOf(destination, partitions);
    known.set(destination, partition);
    return partition;
  };
}
