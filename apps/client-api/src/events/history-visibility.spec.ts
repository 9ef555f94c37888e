import { describe, expect, it } from '@jest/globals';
import { historyVisibilityOf, maySee } from './history-visibility.js';

const memberships = ['join', 'invite', 'knock', 'leave', 'ban', undefined] as const;

/** Who sees an event that changes neither the setting nor the viewer's membership. */
const plain: Record<
  string,
  { now: readonly (string | undefined)[]; onceJoinedLater: readonly (string | undefined)[] }
> = {
  world_readable: { now: memberships, onceJoinedLater: memberships },
  shared: { now: ['join'], onceJoinedLater: memberships },
  invited: { now: ['join', 'invite'], onceJoinedLater: ['join', 'invite'] },
  joined: { now: ['join'], onceJoinedLater: ['join'] },
};

describe('maySee', () => {
  for (const [historyVisibility, { now, onceJoinedLater }] of Object.entries(plain)) {
    for (const membership of memberships) {
      const point = { historyVisibility, membership };
      it(`${historyVisibility}, ${membership ?? 'never a member'}`, () => {
        expect(maySee({ before: point, after: point, joinedLater: false })).toBe(now.includes(membership));
        expect(maySee({ before: point, after: point, joinedLater: true })).toBe(
          onceJoinedLater.includes(membership),
        );
      });
    }
  }

  it.each([
    ['world_readable', 'joined', true],
    ['joined', 'world_readable', true],
    ['invited', 'joined', false],
    ['shared', 'joined', false],
    [undefined, 'joined', false],
  ])('a change of the setting from %s to %s, to a stranger: %s', (from, to, seen) => {
    const [before, after] = [from, to].map((historyVisibility) => ({
      historyVisibility,
      membership: undefined,
    }));
    if (!before || !after) throw new Error('two points are needed');
    expect(maySee({ before, after, joinedLater: false })).toBe(seen);
  });

  it.each([
    [undefined, 'join', 'joined', true],
    ['join', 'leave', 'joined', true],
    ['join', 'ban', 'joined', true],
    ['leave', 'join', 'invited', true],
    [undefined, 'invite', 'invited', true],
    ['invite', 'leave', 'invited', true],
    [undefined, 'invite', 'joined', false],
    ['invite', 'leave', 'shared', false],
    [undefined, 'ban', 'joined', false],
    ['leave', 'leave', 'joined', false],
  ])('the viewer goes from %s to %s in a room with %s history: %s', (from, to, historyVisibility, seen) => {
    const [before, after] = [from, to].map((membership) => ({ historyVisibility, membership }));
    if (!before || !after) throw new Error('two points are needed');
    expect(maySee({ before, after, joinedLater: false })).toBe(seen);
  });
});

describe('historyVisibilityOf', () => {
  it.each([undefined, 'default', 7, null, ['joined'], { joined: true }])('takes %j for shared', (value) => {
    expect(historyVisibilityOf(value)).toBe('shared');
  });
});
