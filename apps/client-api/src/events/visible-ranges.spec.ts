import { describe, expect, it } from '@jest/globals';
import type { TimelineValue, VisibilityTimelines } from '@atoll/database';
import { visibleRanges } from './visible-ranges.js';

const [first, last] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
const was = (from: number, to: number | null, value: string): TimelineValue => ({ from, to, value });
const timelines = (historyVisibility: TimelineValue[], membership: TimelineValue[]): VisibilityTimelines => {
  return { historyVisibility, membership };
};

describe('visibleRanges', () => {
  it('is everything for who is in a room with shared history', () => {
    expect(visibleRanges(timelines([], [was(30, null, 'join')]))).toEqual([{ from: first, to: last }]);
  });

  it('is nothing for strangers', () => {
    expect(visibleRanges(timelines([], []))).toEqual([]);
  });

  it('ends with the stay, and begins with it where history is for members', () => {
    const stay = [was(20, 30, 'invite'), was(30, 40, 'join'), was(40, null, 'leave')];
    expect(visibleRanges(timelines([was(10, null, 'shared')], stay))).toEqual([{ from: first, to: 40 }]);
    expect(visibleRanges(timelines([was(10, null, 'invited')], stay))).toEqual([
      { from: first, to: 10 },
      { from: 20, to: 40 },
    ]);
    expect(visibleRanges(timelines([was(10, null, 'joined')], stay))).toEqual([
      { from: first, to: 10 },
      { from: 30, to: 40 },
    ]);
  });

  it('has the gaps between stays', () => {
    const stays = [was(30, 40, 'join'), was(40, 60, 'leave'), was(60, null, 'join')];
    const setting = [was(5, 50, 'joined'), was(50, null, 'world_readable')];
    expect(visibleRanges(timelines(setting, stays))).toEqual([
      { from: first, to: 5 },
      { from: 30, to: 40 },
      { from: 50, to: last },
    ]);
  });
});
