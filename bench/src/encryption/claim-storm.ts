import type { LoadUser } from '../load/load-user.js';
import { inParallel } from '../measure/closed-loop.js';
import { claimKeys, uploadOneTimeKeys } from './device-requests.js';

/** Devices of which one request claims a key each: those of a small room. */
export const CLAIMED_AT_ONCE = 10;

export interface ClaimStorm {
  readonly keysPerSecond: number;
  /** Keys that were given more than once. */
  readonly duplicates: number;
  readonly notGiven: number;
}

let fills = 0;

/** Fills devices with keys, and has all claimants take them until none is left. */
export async function claimStorm(
  claimants: readonly LoadUser[],
  devices: readonly LoadUser[],
  keysEach: number,
): Promise<ClaimStorm> {
  const fill = (fills += 1);
  const keyIds = Array.from({ length: keysEach }, (_, n) => `${fill}x${n}`);
  await inParallel(devices.length, 16, (index) => uploadOneTimeKeys(at(devices, index), keyIds));
  const keys = devices.length * keysEach;
  const given: string[] = [];
  const began = performance.now();
  await inParallel(keys / CLAIMED_AT_ONCE, claimants.length, async (index) => {
    const some = Array.from({ length: CLAIMED_AT_ONCE }, (_, n) => at(devices, index * CLAIMED_AT_ONCE + n));
    given.push(...(await claimKeys(at(claimants, index), some)));
  });
  const seconds = (performance.now() - began) / 1000;
  const different = new Set(given).size;
  return {
    keysPerSecond: given.length / seconds,
    duplicates: given.length - different,
    notGiven: keys - different,
  };
}

/** Round and round. */
export function at(users: readonly LoadUser[], index: number): LoadUser {
  const user = users[index % users.length];
  if (user === undefined) throw new Error('there are no users');
  return user;
}
