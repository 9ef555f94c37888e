import { describe, expect, it } from '@jest/globals';
import { isGivenUp, pauseAfter } from './retry-policy.js';

describe('tries to bring what an event misses', () => {
  it('pause twice as long each time, up to an hour, with jitter of a quarter', () => {
    expect([0, 1, 2].map((tries) => pauseAfter(tries, () => 0.5))).toEqual([2_000, 4_000, 8_000]);
    expect(pauseAfter(11, () => 0.5)).toBe(3_600_000);
    expect(pauseAfter(0, () => 0)).toBe(1_500);
    expect(pauseAfter(0, () => 1)).toBe(2_500);
  });

  it('end after fourteen, or after a day', () => {
    expect(isGivenUp({ tries: 13, receivedTs: Date.now() })).toBe(false);
    expect(isGivenUp({ tries: 14, receivedTs: Date.now() })).toBe(true);
    expect(isGivenUp({ tries: 0, receivedTs: Date.now() - 25 * 3_600_000 })).toBe(true);
  });
});
