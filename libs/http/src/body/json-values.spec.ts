import { expect, test } from '@jest/globals';
import { holdsMoreValues } from './json-values.js';

test.each([
  ['1', 1],
  ['[1,2,3]', 4],
  ['{"a":1,"b":{"c":null}}', 4],
  ['["a,b:[c", "\\",,,", "\\\\", ","]', 5],
  ['"unfinished ,,,,', 1],
])('counts values outside of strings: %s', (text, values) => {
  expect(holdsMoreValues(text, values)).toBe(false);
  expect(holdsMoreValues(text, values - 1)).toBe(true);
});

test('is not slow on strings of quotes and backslashes', () => {
  expect(holdsMoreValues(`["${'\\"'.repeat(1_000_000)}","${'\\\\'.repeat(1_000_000)}"]`, 5)).toBe(false);
});
