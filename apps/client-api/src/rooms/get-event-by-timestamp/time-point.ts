/** A time, and the direction in which the first event is looked for. */
export interface TimePoint {
  /** In ms since 1970. */
  readonly ts: number;
  readonly dir: 'f' | 'b';
}

/** How far away in the direction something lies; negative for what lies on the other side. */
export function distanceTo({ ts, dir }: TimePoint, originServerTs: number): number {
  return dir === 'f' ? originServerTs - ts : ts - originServerTs;
}
