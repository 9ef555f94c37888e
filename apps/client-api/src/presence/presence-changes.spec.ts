import { describe, expect, it } from '@jest/globals';
import type { KnownPresence, Presence } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { setByActivity, setBySync, setByUser } from './presence-changes.js';
import { presenceAfterSweep } from './presence-sweep.js';

const NOW = 10_000_000;
const was = (presence: Presence, more: Partial<KnownPresence> = {}): KnownPresence => ({
  ...{ userId: '@u:hs1' as UserId, presence, statusMsg: 'said', lastActiveTs: 1, updatedTs: 2 },
  currentlyActive: presence === 'online',
  ...more,
});

describe('a sync', () => {
  it.each<[Presence, 'online' | 'unavailable', string, boolean, boolean, Presence]>([
    ['offline', 'online', 'begins', false, true, 'online'],
    ['offline', 'online', 'goes on', true, true, 'online'],
    ['unavailable', 'online', 'begins', false, true, 'online'],
    ['unavailable', 'online', 'goes on', true, true, 'unavailable'],
    ['offline', 'unavailable', 'begins', false, false, 'unavailable'],
    ['offline', 'unavailable', 'begins beside one that is online', false, true, 'online'],
    ['online', 'unavailable', 'begins', false, false, 'unavailable'],
    ['online', 'unavailable', 'begins beside one that is online', false, true, 'online'],
    ['online', 'unavailable', 'goes on', true, false, 'online'],
  ])('of one who is %s that says %s and %s', (before, said, _, isSame, isOnline, after) => {
    const changed = setBySync(said, { isSame, isOnline }, NOW)(was(before));
    expect(changed).toMatchObject({ presence: after, currentlyActive: after === 'online', updatedTs: NOW });
    expect(changed?.statusMsg).toBe('said');
  });

  it('is activity only when it brings the user online', () => {
    const seen = { isSame: true, isOnline: true };
    expect(setBySync('online', seen, NOW)(was('online'))?.lastActiveTs).toBe(1);
    expect(setBySync('online', { ...seen, isSame: false }, NOW)(was('online'))?.lastActiveTs).toBe(NOW);
  });
});

it('a user may set anything, and clears the message by saying none', () => {
  expect(setByUser('offline', null, NOW)(was('online'))).toMatchObject({
    ...{ presence: 'offline', statusMsg: null, currentlyActive: false, lastActiveTs: NOW },
  });
});

it.each<[Presence, Presence]>([
  ['unavailable', 'online'],
  ['online', 'online'],
  ['offline', 'offline'],
])('activity of one who is %s makes them %s', (before, after) => {
  expect(setByActivity(NOW)(was(before))).toMatchObject({ presence: after, lastActiveTs: NOW });
});

describe('the sweep', () => {
  const never = Infinity;
  const recently = NOW - 20_000;
  const longAgo = NOW - 400_000;
  it.each<[string, KnownPresence, number, number, Presence]>([
    ['a user who syncs', was('online', { lastActiveTs: recently }), 20_000, never, 'online'],
    ['a user whose syncs stopped', was('online'), 31_000, never, 'offline'],
    ['an idle user whose syncs stopped', was('unavailable'), 31_000, 31_000, 'offline'],
    ['a user with idle devices only', was('online'), 31_000, 20_000, 'unavailable'],
    ['a user who set it just now', was('online', { lastActiveTs: recently }), never, never, 'online'],
    [
      'a user heard of just now',
      was('online', { updatedTs: recently, lastActiveTs: recently }),
      never,
      1,
      'online',
    ],
    ['a user who does nothing', was('online', { lastActiveTs: longAgo }), 1, never, 'unavailable'],
    ['a user who is idle', was('unavailable', { lastActiveTs: longAgo }), 1, never, 'unavailable'],
  ])('makes of %s', (_, row, online, unavailable, after) => {
    expect(presenceAfterSweep(row, { online, unavailable }, NOW)).toBe(after);
  });
});
