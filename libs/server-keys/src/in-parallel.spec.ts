import { expect, it } from '@jest/globals';
import { inParallel } from './in-parallel.js';

const later = () => performance.now() + 30_000;

it('runs everything, so many at once', async () => {
  let [running, most] = [0, 0];
  const done: number[] = [];
  await inParallel([1, 2, 3, 4, 5], 2, later(), async (item) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    done.push(item);
  });
  expect(done.sort()).toEqual([1, 2, 3, 4, 5]);
  expect(most).toBe(2);
});

it('waits for nobody beyond the deadline, and then begins nothing more', async () => {
  const begun: number[] = [];
  const { promise, resolve } = Promise.withResolvers<undefined>();
  await inParallel([1, 2, 3], 1, performance.now() + 1_000, (item) => {
    begun.push(item);
    return promise;
  });
  resolve(undefined);
  await promise;
  expect(begun).toEqual([1]);
  await inParallel([4], 1, performance.now(), (item) => Promise.resolve(begun.push(item)));
  expect(begun).toEqual([1]);
});

it('says what went wrong', async () => {
  await expect(inParallel([1], 1, later(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
});
