import { describe, expect, it } from '@jest/globals';
import { backOff } from './back-off.js';

const NOW = 1_000_000;

describe('back-off', () => {
  it('begins at 2 s, doubles, and ends at an hour', () => {
    let failure = backOff(undefined, NOW, undefined, 0.5);
    expect(failure).toEqual({ failingSince: NOW, retryAt: NOW + 2_000, retryIntervalMs: 2_000 });
    const intervals = Array.from({ length: 12 }, () => {
      failure = backOff(failure, failure.retryAt, undefined, 0.5);
      return failure.retryIntervalMs / 1000;
    });
    expect(intervals).toEqual([4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]);
    expect(failure.failingSince).toBe(NOW);
  });

  it.each([
    [0, 1_600],
    [0.5, 2_000],
    [0.999_999, 2_400],
  ])('waits within 20 %% of the interval: %d', (random, wait) => {
    expect(backOff(undefined, NOW, undefined, random).retryAt).toBe(NOW + wait);
  });

  it('believes a destination that limits the rate, within bounds, and does not grow for it', () => {
    const previous = { failingSince: 5, retryAt: 6, retryIntervalMs: 8_000 };
    expect(backOff(previous, NOW, 30_000)).toEqual({ ...previous, retryAt: NOW + 30_000 });
    expect(backOff(previous, NOW, 0).retryAt).toBe(NOW + 1_000);
    expect(backOff(previous, NOW, 1e12).retryAt).toBe(NOW + 3_600_000);
    expect(backOff(undefined, NOW, 5_000).retryIntervalMs).toBe(0);
  });

  it('begins anew when it was cleared', () => {
    const cleared = { failingSince: 5, retryAt: 0, retryIntervalMs: 0 };
    expect(backOff(cleared, NOW, undefined, 0.5)).toEqual({
      failingSince: 5,
      retryAt: NOW + 2_000,
      retryIntervalMs: 2_000,
    });
  });
});
