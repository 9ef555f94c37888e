import { describe, expect, it } from '@jest/globals';
import { statedLifetime } from './stated-lifetime.js';

const now = Date.parse('Thu, 26 Nov 2026 00:00:00 GMT');

describe('how long an answer may be kept', () => {
  it.each<[Record<string, string | string[]>, number | undefined]>([
    [{}, undefined],
    [{ 'cache-control': 'public' }, undefined],
    [{ 'cache-control': 'public, Max-Age=60' }, 60_000],
    [{ 'cache-control': 'max-age="60"' }, 60_000],
    [{ 'cache-control': 'max-age=60', age: '20' }, 40_000],
    [{ 'cache-control': 'max-age=60', age: '100' }, 0],
    [{ 'cache-control': 'max-age=60, max-age=120' }, 60_000],
    [{ 'cache-control': ['no-store', 'max-age=60'] }, 0],
    [{ 'cache-control': 'no-cache' }, 0],
    [{ 'cache-control': 'max-age=-1' }, undefined],
    [{ 'cache-control': 'max-age=60', expires: 'Thu, 26 Nov 2026 01:00:00 GMT' }, 60_000],
    [{ expires: 'Thu, 26 Nov 2026 01:00:00 GMT' }, 3_600_000],
    [{ expires: 'Thu, 26 Nov 2026 01:00:00 GMT', date: 'Thu, 26 Nov 2026 00:30:00 GMT' }, 1_800_000],
    [{ expires: 'Wed, 25 Nov 2026 00:00:00 GMT' }, 0],
    [{ expires: '0' }, 0],
  ])('%j: %p ms', (headers, lifetime) => {
    // Date.parse takes "0" for the year 2000, which has passed as well.
    expect(statedLifetime(headers, now)).toBe(lifetime);
  });
});
