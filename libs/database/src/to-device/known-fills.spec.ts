import { expect, it } from '@jest/globals';
import type { UserId } from '@atoll/matrix';
import { FEW, Fill, MAX_WAITING } from './fill.js';
import { KnownFills } from './known-fills.js';

const alice = '@alice:hs1' as UserId;
const fill = (total = 0) => new Fill({ total, ofOtherServers: 0, bySender: {}, isAbandoned: false });
const roomIn = (one: Fill) =>
  one.hasRoom(alice, false, FEW) ? 'enough' : one.hasRoom(alice, false) ? 'little' : 'none';

it('knows a place until much was added, however long that takes', () => {
  const known = new KnownFills();
  expect(known.get('a', roomIn, 0)).toBeUndefined();
  const empty = fill();
  known.set('a', empty, 0, 0);
  empty.add(alice, false, FEW - 1);
  expect(known.get('a', roomIn, 1e9)).toBe(empty);
  empty.add(alice, false);
  expect(known.get('a', roomIn, 1e9)).toBeUndefined();
});

it('does not count again all at once what gets the same messages', () => {
  const known = new KnownFills();
  const fills = Array.from({ length: 100 }, () => fill());
  for (const [n, one] of fills.entries()) {
    known.set(`${n}`, one);
    one.add(alice, false, 0.75 * FEW);
  }
  const isKnown = fills.map((_, n) => known.get(`${n}`, roomIn) !== undefined);
  expect(new Set(isKnown)).toEqual(new Set([true, false]));
});

it('looks again after a while whether what was nearly full has been emptied', () => {
  const known = new KnownFills();
  known.set('a', fill(MAX_WAITING - FEW + 1), 0);
  expect(known.get('a', roomIn, 29_999)).toBeDefined();
  expect(known.get('a', roomIn, 30_000)).toBeUndefined();
});

it('looks again soon whether what was full has been emptied', () => {
  const known = new KnownFills();
  known.set('a', fill(MAX_WAITING), 0);
  expect(known.get('a', roomIn, 999)).toBeDefined();
  expect(known.get('a', roomIn, 1_000)).toBeUndefined();
});

it('forgets those that were not asked for longest', () => {
  const known = new KnownFills();
  for (let n = 0; n < 50_000; n += 1) known.set(`${n}`, fill());
  known.get('0', roomIn);
  known.set('new', fill());
  expect([known.get('0', roomIn), known.get('1', roomIn)]).toEqual([expect.any(Fill), undefined]);
});
