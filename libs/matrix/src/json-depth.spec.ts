import { expect, test } from '@jest/globals';
import { exceedsJsonDepth } from './json-depth.js';

const nested = (depth: number, inside = '') =>
  '[{"a":'.repeat(depth / 2) + (inside || '1') + '}]'.repeat(depth / 2);

test('counts arrays and objects that stand in one another, not those that stand side by side', () => {
  expect(exceedsJsonDepth(nested(10), 10)).toBe(false);
  expect(exceedsJsonDepth(nested(10), 9)).toBe(true);
  expect(exceedsJsonDepth(`[${'[{}],'.repeat(1_000)}1]`, 3)).toBe(false);
  expect(exceedsJsonDepth(`[${'[{}],'.repeat(1_000)}1]`, 2)).toBe(true);
  expect(exceedsJsonDepth('', 0)).toBe(false);
  expect(exceedsJsonDepth('[]', 0)).toBe(true);
});

test.each(['"[[[[[["', '"\\"[[[[["', '"\\\\"', '"{\\u0022[{{["', '"日[[[[["'])(
  'does not count in strings: %s',
  (text) => {
    expect(exceedsJsonDepth(nested(4, text), 4)).toBe(false);
    expect(exceedsJsonDepth(nested(4, `[${text}]`), 4)).toBe(true);
  },
);

test('goes no further than it must', () => {
  expect(exceedsJsonDepth('['.repeat(10_000_000), 512)).toBe(true);
  expect(exceedsJsonDepth('"'.repeat(9), 4)).toBe(false);
});
