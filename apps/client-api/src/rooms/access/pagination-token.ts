import { decodeToken, encodeToken, STREAM_NAMES, type StreamPositions } from '@atoll/database';
import { invalidParam } from '@atoll/matrix';

const BACKFILLED = /^b1_([0-9a-z]{1,11})$/;
const RADIX = 36;

/** The point of the timeline that a token names: a token of `/sync` or one of `tokenOf`. */
export function pointOf(token: string): number {
  const backfilled = BACKFILLED.exec(token)?.[1];
  const point = backfilled === undefined ? decodeToken(token)?.events : -Number.parseInt(backfilled, RADIX);
  if (point === undefined || !Number.isSafeInteger(point)) {
    throw invalidParam('Not a pagination token of this server');
  }
  return point;
}

/**
 * A token for a point of the timeline, in the form that `/sync` uses, so that either is accepted everywhere. Points below 0 lie in
 * backfilled history, which no sync can start from: their tokens have a form of their own.
 *
 * Point p lies after the event at position p and before the next one. No event has position 0: point 0 lies between the newest
 * backfilled event (-1 or less) and the first that came while this server was in the room.
 */
export function tokenOf(point: number): string {
  if (point < 0) return `b1_${(-point).toString(RADIX)}`;
  const positions = STREAM_NAMES.map((name) => [name, name === 'events' ? point : 0] as const);
  return encodeToken(Object.fromEntries(positions) as StreamPositions);
}
