import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Logger } from '@atoll/telemetry';
import { RepeatedWork } from './repeated-work.js';

describe('repeated work', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const error = jest.fn();
  const logger = { error } as unknown as Logger;

  it('is done one at a time, and not after its stop', async () => {
    const begun: PromiseWithResolvers<unknown>[] = [];
    const work = () => {
      const done = Promise.withResolvers<unknown>();
      begun.push(done);
      return done.promise;
    };
    const repeated = new RepeatedWork({ everyMs: 10, work, logger, failure: 'failed' });
    repeated.start();
    await jest.advanceTimersByTimeAsync(35);
    expect(begun).toHaveLength(1);
    begun[0]?.resolve(undefined);
    await jest.advanceTimersByTimeAsync(10);
    expect(begun).toHaveLength(2);
    let isStopped = false;
    const stopped = repeated.stop().then(() => (isStopped = true));
    await jest.advanceTimersByTimeAsync(100);
    expect([begun.length, isStopped]).toEqual([2, false]);
    begun[1]?.resolve(undefined);
    await stopped;
  });

  it('goes on after a failure, and logs an outage once', async () => {
    const results = [new Error('one'), new Error('two'), undefined, new Error('three')];
    const work = () => {
      const result = results.shift();
      return result === undefined ? Promise.resolve() : Promise.reject(result);
    };
    const repeated = new RepeatedWork({ everyMs: 10, work, logger, failure: 'failed' });
    repeated.start();
    await jest.advanceTimersByTimeAsync(45);
    await repeated.stop();
    expect(error.mock.calls).toEqual([
      [{ err: new Error('one') }, 'failed'],
      [{ err: new Error('three') }, 'failed'],
    ]);
  });
});
