import { hash } from 'node:crypto';

/**
 * The partition of a room id or a destination's name: stable over processes and releases, evenly spread.
 * @param count fixed at installation
 */
export function partitionOf(key: string, count: number): number {
  return hash('sha256', key, 'buffer').readUInt32BE(0) % count;
}
