const FIRST_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 3_600_000;
const MAX_TRIES = 14;
const MAX_AGE_MS = 24 * 3_600_000;

/** How long to wait after what an event misses was asked for in vain, in ms: doubles from 2 s to 1 h, with jitter. */
export function pauseAfter(tries: number, random: () => number = Math.random): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** tries, MAX_PAUSE_MS);
  return Math.round(pause * (0.75 + random() / 2));
}

/** Whether an event that cannot be placed has waited long enough; its sender may send it again. */
export function isGivenUp({ tries, receivedTs }: { tries: number; receivedTs: number }): boolean {
  return tries >= MAX_TRIES || Date.now() - receivedTs > MAX_AGE_MS;
}
