import { STREAMS, type StreamName } from './stream-registry.js';

/** A lane orders the writers of one durable stream. */
export type Lane = StreamName;

/**
 * One statement that locks the lane until the transaction ends and takes `count` consecutive positions. Answers `{ first }`. Later
 * statements of the same transaction find the last position with {@link lastPosition}.
 */
export function takeLane(lane: Lane, count: number): string {
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`cannot take ${count} positions`);
  const { key, sequence } = STREAMS[lane].lane;
  return `SELECT take_positions(${key}, '${sequence}', ${count}) AS first`;
}

/** SQL of the last position that this transaction took in the lane: only the holder of the lane moves its sequence. */
export function lastPosition(lane: Lane): string {
  return `currval('${STREAMS[lane].lane.sequence}')`;
}
