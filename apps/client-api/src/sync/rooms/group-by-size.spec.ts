import { describe, expect, it } from '@jest/globals';
import { groupBySize } from './group-by-size.js';

describe('groupBySize', () => {
  it.each([
    [[], []],
    [[0, 0, 0], [[0, 0, 0]]],
    [
      [3000, 2000, 1],
      [[3000, 2000], [1]],
    ],
    [
      [9000, 1, 9000, 4999, 1],
      [[9000], [1], [9000], [4999, 1]],
    ],
  ])('parts %j into %j', (sizes, groups) => {
    expect(groupBySize(sizes, (size) => size)).toEqual(groups);
  });
});
