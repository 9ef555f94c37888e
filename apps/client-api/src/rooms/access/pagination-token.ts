import {
  decodeToken,
  encodeToken,
  pointAt,
  STREAM_NAMES,
  type StreamPositions,
  type TimelinePoint,
} from '@atoll/database';
import { invalidParam } from '@atoll/matrix';

const POINT = /^t1_([0-9a-z]{1,11})_(-?[0-9a-z]{1,11})$/;
const RADIX = 36;

/** The point of the timeline that a token names: a token of `/sync` or one of `tokenOf`. */
export function pointOf(token: string): TimelinePoint {
  const [, anchor, position] = POINT.exec(token) ?? [];
  const events = decodeToken(token)?.events;
  const point: TimelinePoint | undefined =
    anchor !== undefined && position !== undefined
      ? [Number.parseInt(anchor, RADIX), Number.parseInt(position, RADIX)]
      : events === undefined
        ? undefined
        : pointAt(events);
  if (!point?.every(Number.isSafeInteger)) throw invalidParam('Not a pagination token of this server');
  return point;
}

/**
 * A token for a point of the timeline. What lies just after an event of the stream has the form that `/sync` uses; either form is accepted
 * everywhere but by `/sync`, which starts at none between an event and its history.
 */
export function tokenOf([anchor, position]: TimelinePoint): string {
  if (anchor !== position) return `t1_${anchor.toString(RADIX)}_${position.toString(RADIX)}`;
  const positions = STREAM_NAMES.map((name) => [name, name === 'events' ? position : 0] as const);
  return encodeToken(Object.fromEntries(positions) as StreamPositions);
}
