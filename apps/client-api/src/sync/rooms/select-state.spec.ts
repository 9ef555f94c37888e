import { describe, expect, it } from '@jest/globals';
import type { StateSpan } from '@atoll/database';
import { stateAfter, stateBefore, stateKeyOf } from './select-state.js';

const span = (type: string, eventNid: number | null, from: number, to: number | null): StateSpan => ({
  roomNid: 1,
  type,
  stateKey: '',
  eventNid,
  from,
  to,
});

/** The timeline runs from 20 (excluded) to 30; it has a name at 25 and shows it. */
const bounds = { start: 20, end: 30 };
const spans = [
  span('name', 1, 10, 25),
  span('name', 2, 25, null),
  span('topic', 3, 12, 22),
  span('topic', 4, 22, null),
  span('avatar', 5, 5, 28),
  span('avatar', null, 28, null),
  span('later', 6, 29, 31),
  span('later', 7, 31, null),
];
const shown = new Set([stateKeyOf('name', '')]);

describe('the state section', () => {
  it('has what the timeline replaces as it was before, all else as it is at the end', () => {
    expect(stateBefore(spans, bounds, shown)).toEqual([1, 4, 6]);
  });

  it('has, as state_after, everything as it is at the end', () => {
    expect(stateAfter(spans, bounds.end)).toEqual([2, 4, 6]);
  });

  it('names each event once, and nothing for a removed key', () => {
    expect(stateBefore([...spans, ...spans], bounds, shown)).toEqual([1, 4, 6]);
    expect(stateAfter([span('gone', null, 22, null)], 30)).toEqual([]);
  });
});
