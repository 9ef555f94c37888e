import { describe, expect, it } from '@jest/globals';
import { pointBackFrom, pointOf, tokenOf } from './pagination-token.js';

describe('pagination tokens', () => {
  it.each<[number, number]>([
    [0, 0],
    [36, 36],
    [1e12, 1e12],
    [1e12, -1],
    [7, -1e12],
    [0, -36],
  ])('name the point [%d, %d]', (...point) => {
    expect(pointOf(tokenOf(point))).toEqual(point);
  });

  it('name the point before an event, for who goes back from there', () => {
    expect(pointBackFrom(tokenOf([7, 6]))).toEqual([7, 6]);
    expect(pointBackFrom(tokenOf([7, -6]))).toEqual([7, -6]);
  });

  it('are those of /sync but in history', () => {
    expect(tokenOf([7, 7])).toMatch(/^s1_7_/);
    expect(tokenOf([7, 6])).toMatch(/^s1_6_/);
    expect(tokenOf([7, -1])).toBe('t1_7_1');
    expect(pointOf('b1_10')).toEqual([0, -36]);
  });

  it.each([
    '',
    's1',
    's1_-1',
    'b1_',
    'b1_-1',
    't1_',
    't1_1',
    't1_-1_1',
    't1_1_1_1',
    't1_1_zzzzzzzzzzz',
    't2_1_1',
  ])('are not %j', (token) => {
    expect(() => pointOf(token)).toThrow('Not a pagination token of this server');
  });
});
