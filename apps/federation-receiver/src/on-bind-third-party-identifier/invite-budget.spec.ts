import { describe, expect, it } from '@jest/globals';
import { InviteBudget } from './invite-budget.js';

describe('InviteBudget', () => {
  it('lets so many through at once, then one a second, and charges nothing for what it refuses', () => {
    let now = 5_000;
    const budget = new InviteBudget(() => now);
    budget.take(30);
    budget.take(29);
    const refused = expect.objectContaining({ status: 429, errcode: 'M_LIMIT_EXCEEDED' });
    expect(() => {
      budget.take(3);
    }).toThrow(refused);
    budget.take(1);
    now += 2_999;
    expect(() => {
      budget.take(3);
    }).toThrow(expect.objectContaining({ extra: { retry_after_ms: 1 } }));
    now += 1;
    budget.take(3);
  });
});
