import { describe, expect, it } from '@jest/globals';
import type { RoomAlias } from '@atoll/matrix';
import { withoutAlias } from './without-alias.js';

const gone = '#gone:x' as RoomAlias;

describe('withoutAlias', () => {
  it.each([
    [{ alias: '#gone:x' }, {}],
    [{ alias: '#gone:x', alt_aliases: ['#gone:x'] }, {}],
    [{ alias: '#gone:x', alt_aliases: ['#a:x', '#gone:x'] }, { alt_aliases: ['#a:x'] }],
    [{ alias: '#a:x', alt_aliases: ['#gone:x'] }, { alias: '#a:x' }],
    [{ alias: '#gone:x', other: 1 }, { other: 1 }],
    [{ alias: '#a:x' }, undefined],
    [{}, undefined],
    [{ alt_aliases: 'bad' }, undefined],
  ])('%j becomes %j', (content, expected) => {
    expect(withoutAlias(content, gone)).toEqual(expected);
  });
});
