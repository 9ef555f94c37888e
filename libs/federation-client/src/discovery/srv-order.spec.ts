import { describe, expect, it } from '@jest/globals';
import { orderSrvRecords } from './srv-order.js';

const record = (name: string, priority: number, weight: number) => ({ name, port: 1, priority, weight });
const names = (records: readonly { name: string }[]) => records.map(({ name }) => name).join('');

describe('the order of SRV records (RFC 2782)', () => {
  it('puts lower priorities first, whatever their weight', () => {
    const records = [record('c', 20, 100), record('a', 5, 0), record('b', 10, 65_535)];
    for (const random of [0, 0.5, 0.999]) {
      expect(names(orderSrvRecords(records, () => random))).toBe('abc');
    }
  });

  it('draws among equal priorities in proportion to weight', () => {
    const records = [record('a', 1, 1), record('b', 1, 3)];
    const first = { a: 0, b: 0 };
    for (let step = 0; step < 1_000; step++) {
      const [drawn] = orderSrvRecords(records, () => step / 1_000);
      first[drawn?.name as 'a' | 'b']++;
    }
    // Of 0 to 4 the draws 0 and 1 fall to a.
    expect(first).toEqual({ a: 400, b: 600 });
  });

  it('gives records without weight a small chance', () => {
    const records = [record('b', 1, 10), record('a', 1, 0)];
    expect(names(orderSrvRecords(records, () => 0))).toBe('ab');
    expect(names(orderSrvRecords(records, () => 0.999))).toBe('ba');
    expect(names(orderSrvRecords([record('a', 1, 0), record('b', 1, 0)], () => 0.999))).toBe('ab');
  });

  it('has nothing to order', () => {
    expect(orderSrvRecords([], () => 0)).toEqual([]);
  });
});
