import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Glob, MAX_GLOB_LENGTH } from './glob.js';
import { naiveGlob, naiveWords } from './naive-rules.spec-support.js';
import { MAX_WORK } from './work.js';

const matches = (glob: string, text: string) =>
  Glob.of(glob)?.matches(text.toLowerCase(), { left: MAX_WORK }) ?? false;
const matchesWords = (glob: string, text: string) =>
  Glob.of(glob)?.matchesWords(text.toLowerCase(), { left: MAX_WORK }) ?? false;

describe('a glob for all of a value', () => {
  it.each([
    ['lunc?*', 'Lunch plans', true],
    ['lunc?*', 'LUNCH', true],
    ['lunc?*', ' lunch', false],
    ['lunc?*', 'lunc', false],
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['?', '😀', true],
    ['??', '😀', false],
    ['a*a', 'a', false],
    ['a*b*c', 'a b c b c', true],
    ['a.c', 'abc', false],
    ['[a-z]', 'a', false],
  ])('%j and %j: %s', (glob, text, expected) => {
    expect(matches(glob, text)).toBe(expected);
  });
});

describe('a glob for words', () => {
  it.each([
    ['ex*ple', 'An example event.', true],
    ['ex*ple', 'exple', true],
    ['ex*ple', 'An exciting triple-whammy', true],
    ['cake', 'cakes', false],
    ['cake', 'pancake cake', true],
    ['cake', 'a cake_b', false],
    ['cake', 'CAKE!', true],
    ['cake', 'écakeé', true],
    ['cake*', 'cakes', true],
    ['*cake', 'pancake', true],
    ['c?ke', 'a coke', true],
    ['c?ke', 'a cooke', false],
    ['@room', 'hey@room', true],
    ['a😀?', 'x a😀😀', true],
  ])('%j and %j: %s', (glob, text, expected) => {
    expect(matchesWords(glob, text)).toBe(expected);
  });
});

const characters = fc.array(fc.constantFrom('a', 'b', 'B', '_', ' ', '.', '😀'), { maxLength: 12 });
const globs = fc.array(fc.constantFrom('a', 'b', 'B', '_', '.', '*', '*', '?', '😀'), { maxLength: 7 });

it('agrees with the definition', () => {
  fc.assert(
    fc.property(globs, characters, (glob, text) => {
      const lower = text.map((character) => character.toLowerCase());
      expect(matches(glob.join(''), text.join(''))).toBe(naiveGlob(glob, lower));
      expect(matchesWords(glob.join(''), text.join(''))).toBe(naiveWords(glob, lower));
    }),
    { numRuns: 3000 },
  );
});

it('matches nothing when it is too long', () => {
  expect(matches('a'.repeat(MAX_GLOB_LENGTH), 'a'.repeat(MAX_GLOB_LENGTH))).toBe(true);
  expect(matches('*'.repeat(MAX_GLOB_LENGTH + 1), 'a')).toBe(false);
});

it.each(['*a?'.repeat(170), '?a'.repeat(256), `${'a'.repeat(500)}?b`, 'a'.repeat(500)])(
  'never does more work than it may: %#',
  (glob) => {
    const work = { left: 1_000_000 };
    const compiled = Glob.of(glob);
    for (let i = 0; i < 50; i++) compiled?.matchesWords('a'.repeat(65_000), work);
    // What one comparison may take beyond the bound: the text is looked at once before it is compared.
    expect(work.left).toBeGreaterThan(-1_000_000 - 50 * 65_000);
  },
);
