import type { StoredEvent } from './stored-event.js';

/**
 * A point of a room's timeline, between two events. Events are in the order of these pairs: one of the stream has `[position, position]`;
 * history, whose positions are below 0, has its place just before the event that it is the history of:
 * `[position of that event, own position]`; where that is not known, before everything: `[0, own position]`. A point lies after the event
 * with the same pair.
 */
export type TimelinePoint = readonly [anchor: number, position: number];

type Placed = Pick<StoredEvent, 'position' | 'beforePosition'>;

/** The point after everything up to a position of the stream; for one below 0, see `positionOf`. */
export function pointAt(position: number): TimelinePoint {
  return [Math.max(position, 0), position];
}

/**
 * For what is in the order of positions alone, all history before the stream: relations and threads. Their own points in history are those of
 * `pointAt`; at one of the timeline, all history is before it.
 */
export function positionOf(point: TimelinePoint): number {
  const [anchor, position] = point;
  return anchor === 0 && position < 0 ? position : streamPositionAt(point);
}

/** The point after an event of the timeline. */
export function pointAfter({ position, beforePosition }: Placed): TimelinePoint {
  const own = position ?? 0;
  return [beforePosition ?? Math.max(own, 0), own];
}

/** The point before an event of the timeline, and after the history that was placed before it. */
export function pointBefore(event: Placed): TimelinePoint {
  const [anchor, position] = pointAfter(event);
  return [anchor, position - 1];
}

/** The point after which the event at this position is the next one of the stream, and before which its history lies. */
export function pointBeforePosition(position: number): TimelinePoint {
  return [position, position - 1];
}

/** The point before the event at this position and all of its history. */
export function pointBeforeHistoryOf(position: number): TimelinePoint {
  return [position, Number.MIN_SAFE_INTEGER];
}

export function isUpTo([anchor, position]: TimelinePoint, [toAnchor, toPosition]: TimelinePoint): boolean {
  return anchor < toAnchor || (anchor === toAnchor && position <= toPosition);
}

/** The newest position of the stream at or before a point: the state there is that of the room at this position. */
export function streamPositionAt([anchor, position]: TimelinePoint): number {
  return Math.max(position >= anchor ? anchor : anchor - 1, 0);
}
