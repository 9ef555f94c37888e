import { describe, expect, it } from '@jest/globals';
import { jsonInTurns } from './json-in-turns.js';

describe('jsonInTurns', () => {
  it.each([{}, { a: 1, b: 'x"', c: { d: [1] }, e: [], f: [{ g: null }, 'h', [1, 2]] }])(
    'makes what JSON.stringify makes of %j',
    async (object) => {
      expect(await jsonInTurns(object)).toBe(JSON.stringify(object));
    },
  );

  it('leaves out what is not there', async () => {
    expect(await jsonInTurns(Object.assign({ a: 1 }, { b: undefined }))).toBe('{"a":1}');
  });

  it('lets others have their turns while a list is long', async () => {
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const list = Array.from({ length: 100 }, () => 'x'.repeat(60_000));
    expect((await jsonInTurns({ list })).length).toBeGreaterThan(6_000_000);
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(10);
  });
});
