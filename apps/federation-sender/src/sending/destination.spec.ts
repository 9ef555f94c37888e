import { describe, expect, it } from '@jest/globals';
import type { MissedEvents } from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import { Destination } from './destination.js';

const events = (...positions: number[]) =>
  positions.map((position) => ({ position, eventNid: position, since: 0 }));
const open = (isComplete: boolean) => {
  const destination = new Destination('hs2' as ServerName, 0, { failure: undefined, isComplete });
  destination.mayHaveToDevice = false;
  destination.mayHaveDeviceLists = false;
  return destination;
};
const found = (upTo: number, isTruncated: boolean, ...positions: number[]) => {
  const missed: MissedEvents = { events: events(...positions), upTo, isTruncated };
  return () => Promise.resolve(missed);
};
const taken = (destination: Destination, limit = 50) => {
  const next = destination.take(limit);
  return next && { upTo: next.upTo, positions: next.events.map(({ position }) => position) };
};

describe('a destination', () => {
  it('may have messages to devices unless all that it is owed is known', () => {
    const name = 'hs2' as ServerName;
    const failure = { failingSince: 1, retryAt: 1, retryIntervalMs: 1 };
    const mayHave = (isComplete: boolean, failed?: typeof failure) =>
      new Destination(name, 0, { failure: failed, isComplete }).mayHaveToDevice;
    expect([mayHave(true), mayHave(false), mayHave(true, failure)]).toEqual([false, true, true]);
    const destination = open(true);
    expect(destination.isIdle).toBe(true);
    destination.mayHaveToDevice = true;
    expect(destination.isIdle).toBe(false);
    destination.mayHaveToDevice = false;
    destination.mayHaveDeviceLists = true;
    expect(destination.isIdle).toBe(false);
  });

  it('gives out its events in order, each with what it acknowledges', () => {
    const destination = open(true);
    destination.add(events(1, 4));
    destination.add(events(6));
    expect(taken(destination, 2)).toEqual({ positions: [1, 4], upTo: 4 });
    expect(taken(destination, 2)).toEqual({ positions: [6], upTo: 6 });
    expect(taken(destination)).toBeUndefined();
    expect(destination.isIdle).toBe(true);
  });

  it('takes what is read again but once', () => {
    const destination = open(true);
    destination.add(events(1, 2));
    taken(destination);
    destination.add(events(1, 2, 3));
    expect(taken(destination)?.positions).toEqual([3]);
  });

  it('puts what comes during a look behind what the look finds', async () => {
    const destination = open(false);
    destination.add(events(3));
    await destination.fill(() => {
      destination.add(events(3, 4));
      return found(3, false, 1, 3)();
    });
    expect(taken(destination)).toEqual({ positions: [1, 3, 4], upTo: 4 });
  });

  it('looks again when a look did not find all', async () => {
    const destination = open(false);
    await destination.fill(found(9, true, 5, 9));
    destination.add(events(12));
    expect(taken(destination)).toEqual({ positions: [5, 9], upTo: 9 });
    expect(destination.isIdle).toBe(false);
    await destination.fill(found(12, false, 12));
    expect(taken(destination)?.positions).toEqual([12]);
    expect(destination.isIdle).toBe(true);
  });

  it('keeps no more than 500 events, and looks for the others later', async () => {
    const destination = open(true);
    destination.add(events(...Array.from({ length: 501 }, (_, index) => index + 1)));
    expect(destination.take(50)).toBeUndefined();
    expect(destination.isIdle).toBe(false);
    await destination.fill(found(501, false, 501));
    expect(taken(destination)).toEqual({ positions: [501], upTo: 501 });
  });

  it('acknowledges what cannot be sent any more', async () => {
    const destination = open(false);
    await destination.fill(found(7, false));
    expect(taken(destination)).toEqual({ positions: [], upTo: 7 });
    expect(destination.isIdle).toBe(true);
  });

  it('looks again after a look that failed', async () => {
    const destination = open(false);
    await expect(destination.fill(() => Promise.reject(new Error('no database')))).rejects.toThrow(
      'no database',
    );
    await destination.fill(found(2, false, 2));
    expect(taken(destination)?.positions).toEqual([2]);
  });
});
