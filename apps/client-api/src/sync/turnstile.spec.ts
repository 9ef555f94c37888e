import { describe, expect, it } from '@jest/globals';
import { Turnstile } from './turnstile.js';

describe('Turnstile', () => {
  it('lets so many through at a time, in order, also past those that fail', async () => {
    const turnstile = new Turnstile(2);
    const inside = new Set<number>();
    const order: number[] = [];
    let most = 0;
    const pass = (n: number) =>
      turnstile.pass(async () => {
        order.push(n);
        inside.add(n);
        most = Math.max(most, inside.size);
        await new Promise((resolve) => setImmediate(resolve));
        inside.delete(n);
        if (n === 1) throw new Error('one');
        return n;
      });
    const results = await Promise.allSettled([0, 1, 2, 3, 4].map(pass));
    expect(results.map(({ status }) => status)).toEqual(
      [0, 1, 2, 3, 4].map((n) => (n === 1 ? 'rejected' : 'fulfilled')),
    );
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(most).toBe(2);
    expect(await turnstile.pass(() => Promise.resolve('free again'))).toBe('free again');
  });
});
