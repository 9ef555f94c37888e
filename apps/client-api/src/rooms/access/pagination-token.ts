import { decodeToken, encodeToken, STREAM_NAMES, type StreamPositions } from '@atoll/database';
import { invalidParam } from '@atoll/matrix';

/** The point of the timeline that a token names: a token of `/sync` or one of `tokenOf`. */
export function pointOf(token: string): number {
  const positions = decodeToken(token);
  if (positions === undefined) throw invalidParam('Not a pagination token of this server');
  return positions.events;
}

/** A token for a point of the timeline, in the form that `/sync` uses, so that either is accepted everywhere. */
export function tokenOf(point: number): string {
  const positions = STREAM_NAMES.map((name) => [name, name === 'events' ? Math.max(point, 0) : 0] as const);
  return encodeToken(Object.fromEntries(positions) as StreamPositions);
}
