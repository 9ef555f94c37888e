/**
 * Every lane: its lock and the sequence that numbers its streams' rows. A number is never used again. Locks are taken in the order of
 * their keys.
 */
export const LANES = {
  events: { key: 1, sequence: 'events_position' },
  account_data: { key: 2, sequence: 'account_data_position' },
} as const;

export type Lane = keyof typeof LANES;

/**
 * One statement that locks the lane until the transaction ends and takes `count` consecutive positions. Answers `{ first }`. Later
 * statements of the same transaction find the last position with {@link lastPosition}.
 */
export function takeLane(lane: Lane, count: number): string {
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`cannot take ${count} positions`);
  const { key, sequence } = LANES[lane];
  return `SELECT take_positions(${key}, '${sequence}', ${count}) AS first`;
}

/** SQL of the last position that this transaction took in the lane: only the holder of the lane moves its sequence. */
export function lastPosition(lane: Lane): string {
  return `currval('${LANES[lane].sequence}')`;
}
