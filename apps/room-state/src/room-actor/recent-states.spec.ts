import type { EventId } from '@atoll/matrix';
import { type StateKey, stateKey } from '@atoll/room-rules';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { RecentStates } from './recent-states.js';

const id = (name: string) => `$${name}` as EventId;
const TOPIC = stateKey('m.room.topic', '');

describe('the states after the newest events', () => {
  let state: Map<StateKey, EventId>;
  let recent: RecentStates;
  beforeEach(() => {
    state = new Map([[TOPIC, id('topic')]]);
    recent = new RecentStates(state);
  });
  const change = (event: string) => {
    state.set(TOPIC, id(event));
    recent.stateChanged();
  };

  it('share one copy of the current state while it does not change, and keep it when it does', () => {
    recent.tookTip(id('one'));
    recent.tookTip(id('two'));
    const copy = recent.after(id('one'));
    expect(copy).toBe(recent.after(id('two')));
    expect(copy && recent.isCurrent(copy)).toBe(true);
    change('new topic');
    recent.tookTip(id('three'));
    expect(recent.after(id('one'))?.get(TOPIC)).toBe('$topic');
    expect(recent.after(id('three'))?.get(TOPIC)).toBe('$new topic');
    expect(copy && recent.isCurrent(copy)).toBe(false);
  });

  it('are not known of an event whose state has passed without being copied', () => {
    recent.tookTip(id('one'));
    change('new topic');
    expect(recent.after(id('one'))).toBeUndefined();
    expect(recent.after(id('never seen'))).toBeUndefined();
  });

  it('are found again by their position once it is committed, or by the chain that they are stored in', () => {
    recent.tookTip(id('tip'));
    expect(recent.foundAt(id('tip'))).toBeUndefined();
    recent.committed(id('tip'), 7);
    expect(recent.foundAt(id('tip'))).toEqual({ position: 7 });
    const stored = { basePosition: 7, depth: 1 };
    recent.tookBranch(id('branch'), new Map(), stored);
    recent.committed(id('branch'), 8);
    expect(recent.foundAt(id('branch'))).toEqual({ stored });
  });

  it('are forgotten, the oldest first, when they are many or large', () => {
    for (let n = 0; n <= 64; n += 1) recent.tookTip(id(String(n)));
    expect([recent.after(id('0')), recent.after(id('1'))]).toEqual([undefined, recent.current()]);
    const large = (n: number) =>
      new Map(Array.from({ length: 150_000 }, (_, key) => [stateKey(String(n), String(key)), id('x')]));
    recent.tookBranch(id('large'), large(1), { basePosition: 0, depth: 1 });
    recent.tookBranch(id('larger'), large(2), { basePosition: 0, depth: 1 });
    expect(recent.after(id('large'))).toBeUndefined();
    expect(recent.after(id('larger'))?.size).toBe(150_000);
    expect(recent.held).toBeLessThanOrEqual(200_000);
  });
});
