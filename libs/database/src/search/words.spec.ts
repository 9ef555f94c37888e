import { describe, expect, it } from '@jest/globals';
import { documentOf, queryOf, quoteLexeme, wordsOf } from './words.js';

describe('the words of a text', () => {
  it('are folded, and what is between them does not matter', () => {
    expect(wordsOf('Grüße, ＡＴＯＬＬ! don’t <b>x_1</b>')).toEqual([
      'grüße',
      'atoll',
      'don',
      't',
      'b',
      'x',
      '1',
      'b',
    ]);
    expect(wordsOf('?! 🎉 \0\ud800')).toEqual([]);
  });

  it('keep their places in a document', () => {
    expect(documentOf('To be or TO')).toBe("'to':1 'be':2 'or':3 'to':4");
    expect(documentOf('x'.repeat(3_000))).toBe(`'${'x'.repeat(64)}':1`);
    expect(documentOf('a '.repeat(9_000)).split(' ')).toHaveLength(5_000);
  });

  it('are pairs of characters where a script has no spaces', () => {
    expect(documentOf('東京都 Tower')).toBe("'東京':1 '京都':2 '都':3 'tower':4");
    expect(queryOf('京都 tower', 'words')).toBe("('京都') & 'tower'");
    expect(queryOf('東京都', 'words')).toBe("('東京' <-> '京都')");
    expect(queryOf('都', 'words')).toBe("'都':*");
  });

  it('are asked for as a whole or by how they begin', () => {
    expect(queryOf('Ali Smi', 'words')).toBe("'ali' & 'smi'");
    expect(queryOf('Ali Smi', 'prefixes')).toBe("'ali':* & 'smi':*");
    expect(queryOf('!&|', 'words')).toBe('');
    expect(queryOf('a b a', 'words')).toBe("'a' & 'b'");
    const many = Array.from({ length: 99 }, (_, n) => `w${n}`).join(' ');
    expect(queryOf(many, 'words').split(' & ')).toHaveLength(32);
    expect(queryOf('京'.repeat(99), 'words').split(' <-> ')).toHaveLength(32);
  });

  it('cannot break out of their quotes', () => {
    expect(quoteLexeme(String.raw`a'b\c`)).toBe(String.raw`'a''b\\c'`);
  });
});
