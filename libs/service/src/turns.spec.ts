import { describe, expect, it } from '@jest/globals';
import { Turns } from './turns.js';

describe('Turns', () => {
  it('are long after so many steps, however these come', () => {
    const turns = new Turns(3);
    expect(Array.from({ length: 7 }, () => turns.isLong())).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
      false,
    ]);
    expect([turns.isLong(2), turns.isLong(9), turns.isLong(2), turns.isLong()]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });
});
