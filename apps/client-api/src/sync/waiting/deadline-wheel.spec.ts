import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DeadlineWheel } from './deadline-wheel.js';

describe('DeadlineWheel', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const wheelOf = () => {
    const due: [string, number][] = [];
    const wheel = new DeadlineWheel<string>(
      (item) => due.push([item, Date.now()]),
      () => Date.now(),
    );
    return { wheel, due };
  };

  it('hands each out at its time, at most a tick late, never early', () => {
    const { wheel, due } = wheelOf();
    wheel.add('b', 250);
    wheel.add('a', 120);
    wheel.add('past', -5);
    jest.advanceTimersByTime(1000);
    expect(due).toEqual([
      ['past', 100],
      ['a', 200],
      ['b', 300],
    ]);
  });

  it('runs no timer while nothing waits', () => {
    const { wheel, due } = wheelOf();
    expect(jest.getTimerCount()).toBe(0);
    const tick = wheel.add('a', 200);
    wheel.add('b', 200);
    expect(jest.getTimerCount()).toBe(1);
    wheel.remove('a', tick);
    jest.advanceTimersByTime(300);
    expect(due).toEqual([['b', 200]]);
    expect(jest.getTimerCount()).toBe(0);
    wheel.add('c', 500);
    jest.advanceTimersByTime(300);
    expect(due.at(-1)).toEqual(['c', 500]);
  });

  it('skips no tick when the event loop was held up', () => {
    const { wheel, due } = wheelOf();
    for (const deadline of [100, 500, 900]) wheel.add(String(deadline), deadline);
    jest.setSystemTime(1000);
    wheel.turn();
    expect(due.map(([item]) => item)).toEqual(['100', '500', '900']);
  });
});
