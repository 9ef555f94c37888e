import {
  decodeToken,
  encodeToken,
  pointAt,
  pointBeforePosition,
  STREAM_NAMES,
  type StreamPositions,
  type TimelinePoint,
} from '@atoll/database';
import { invalidParam } from '@atoll/matrix';

/** In history; `b1` is what an older release gave, to which all history came before everything. */
const IN_HISTORY = /^(?:b1|t1_([0-9a-z]{1,11}))_([0-9a-z]{1,11})$/;
const RADIX = 36;

/** The point of the timeline that a token names: a token of `/sync` or one of `tokenOf`. */
export function pointOf(token: string): TimelinePoint {
  const [, anchor = '0', position] = IN_HISTORY.exec(token) ?? [];
  const point: TimelinePoint =
    position === undefined
      ? pointAt(decodeToken(token)?.events ?? NaN)
      : [Number.parseInt(anchor, RADIX), -Number.parseInt(position, RADIX)];
  if (!point.every(Number.isSafeInteger)) throw invalidParam('Not a pagination token of this server');
  return point;
}

/**
 * Where somebody who goes back from a token begins. One of `/sync` may be that of the point just before an event (`prev_batch`): what that event is
 * preceded by, when it was missed, comes first.
 */
export function pointBackFrom(token: string): TimelinePoint {
  const [anchor, position] = pointOf(token);
  return position < 0 ? [anchor, position] : pointBeforePosition(position + 1);
}

/**
 * A token for a point of the timeline, in the form that `/sync` uses, so that either is accepted everywhere. Points in history, which no sync can
 * start from, have a form of their own.
 */
export function tokenOf([anchor, position]: TimelinePoint): string {
  if (position < 0) return `t1_${anchor.toString(RADIX)}_${(-position).toString(RADIX)}`;
  const positions = STREAM_NAMES.map((name) => [name, name === 'events' ? position : 0] as const);
  return encodeToken(Object.fromEntries(positions) as StreamPositions);
}
