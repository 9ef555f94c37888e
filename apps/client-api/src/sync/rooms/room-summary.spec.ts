import { describe, expect, it } from '@jest/globals';
import type { HeroCandidate, Membership } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { pickHeroes, summaryBody } from './room-summary.js';

const candidates = (...memberships: Membership[]): HeroCandidate[] =>
  memberships.map((membership, i) => ({ roomNid: 1, userId: `@u${i}:x` as UserId, membership }));

describe('heroes', () => {
  it('are those who are there or invited; when nobody is, those who were', () => {
    expect(pickHeroes(candidates('join', 'invite', 'leave'))).toEqual(['@u0:x', '@u1:x']);
    expect(pickHeroes(candidates('leave', 'ban'))).toEqual(['@u0:x', '@u1:x']);
    expect(pickHeroes([])).toEqual([]);
  });

  it('are absent from the summary of a room with a name', () => {
    expect(summaryBody({ heroes: undefined, joined: 2, invited: 1 })).toEqual({
      'm.joined_member_count': 2,
      'm.invited_member_count': 1,
    });
    expect(summaryBody({ heroes: [], joined: 1, invited: 0 })).toHaveProperty(['m.heroes'], []);
  });
});
