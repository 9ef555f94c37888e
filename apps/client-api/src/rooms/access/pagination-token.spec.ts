import { describe, expect, it } from '@jest/globals';
import { pointOf, tokenOf } from './pagination-token.js';

describe('pagination tokens', () => {
  it.each([0, 1, 35, 36, 1e12, -1, -2, -36, -1e12])('name the point %d', (point) => {
    expect(pointOf(tokenOf(point))).toBe(point);
  });

  it('below point 0 are none of /sync', () => {
    expect(tokenOf(-1)).toBe('b1_1');
    expect(tokenOf(0)).toMatch(/^s1_0_/);
  });

  it.each(['', 's1', 's1_-1', 'b1_', 'b1_-1', 'b1_1_1', 'b1_zzzzzzzzzzz', 'b2_1'])('are not %j', (token) => {
    expect(() => pointOf(token)).toThrow('Not a pagination token of this server');
  });
});
