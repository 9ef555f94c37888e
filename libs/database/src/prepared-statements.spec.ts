import { describe, expect, it } from '@jest/globals';
import { PreparedStatements } from './prepared-statements.js';

const times = (prepared: PreparedStatements, text: string, count: number) =>
  Array.from({ length: count }, () => prepared.nameOf(text));

describe('which statements are prepared', () => {
  it('are those that are sent again and again, each under a name of its own', () => {
    const prepared = new PreparedStatements();
    expect(times(prepared, 'select 1', 5)).toEqual([undefined, undefined, undefined, undefined, undefined]);
    expect(times(prepared, 'select 1', 2)).toEqual(['s1', 's1']);
    expect(times(prepared, ' WITH a AS (SELECT 1) SELECT count(*) FROM a', 6).at(-1)).toBe('s2');
    expect(prepared.nameOf('select 1')).toBe('s1');
  });

  it.each([
    'begin',
    'start transaction',
    'SET LOCAL x = 1',
    'select * from devices',
    'insert into a returning *',
  ])('are none that need no plan, or whose columns a migration may change: %s', (text) => {
    expect(times(new PreparedStatements(), text, 20).at(-1)).toBeUndefined();
  });

  it.each([
    ['long', `select ${'x'.repeat(5_000)}`, undefined],
    ['another one for each number of rows', 'insert into a values ($1, $2), ($3, f($4))', undefined],
    ['another one for each number of rows', 'select from (VALUES ($1, f($2)) , ($3, $4)) v', undefined],
    [
      'of one row',
      'insert into a values ($1, f($2)) on conflict (b) do update set c = $3, d = (select 1)',
      's1',
    ],
  ])('are (or not) those that are %s', (_what, text, name) => {
    expect(times(new PreparedStatements(), text, 20).at(-1)).toBe(name);
  });

  it('are bounded', () => {
    const prepared = new PreparedStatements();
    for (let n = 0; n < 10_000; n += 1) prepared.nameOf(`select ${n}`);
    const names = Array.from({ length: 600 }, (_, n) => times(prepared, `select ${n}, 1`, 6).at(-1));
    expect(new Set(names.filter((name) => name !== undefined)).size).toBe(500);
  });
});
