import type { VisibilityTimelines } from '@atoll/database';
import { maySee, type VisibilityPoint } from './history-visibility.js';

/** Positions that a viewer may see: `from < position <= to`. */
export interface PositionRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The stretches of a room's timeline that the viewer of its timelines may see, for counting. It is exact for events that follow the
 * timeline and change neither the history visibility nor the viewer's membership; others are judged by `VisibleEvents`.
 */
export function visibleRanges({ historyVisibility, membership }: VisibilityTimelines): PositionRange[] {
  const changes = [...historyVisibility, ...membership].flatMap(({ from, to }) => [from, to ?? from]);
  const lastJoin = Math.max(...membership.map(({ from, value }) => (value === 'join' ? from : -Infinity)));
  const bounds = [...new Set(changes)].sort((a, b) => a - b);
  const ranges: PositionRange[] = [];
  for (let i = 0; i <= bounds.length; i++) {
    const from = bounds[i - 1] ?? Number.MIN_SAFE_INTEGER;
    const to = bounds[i] ?? Number.MAX_SAFE_INTEGER;
    const valueIn = (timeline: VisibilityTimelines['membership']) =>
      timeline.find((entry) => entry.from <= from && (entry.to === null || entry.to > from))?.value;
    const point: VisibilityPoint = {
      historyVisibility: valueIn(historyVisibility),
      membership: valueIn(membership),
    };
    if (!maySee({ before: point, after: point, joinedLater: lastJoin > from })) continue;
    const last = ranges.at(-1);
    if (last?.to === from) ranges[ranges.length - 1] = { from: last.from, to };
    else ranges.push({ from, to });
  }
  return ranges;
}
