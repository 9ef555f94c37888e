import { describe, expect, it } from '@jest/globals';
import type { DeviceId, UserId } from '@atoll/matrix';
import { SentMembers } from './sent-members.js';

const phone = { userId: '@alice:x' as UserId, deviceId: 'PHONE' as DeviceId };
const laptop = { ...phone, deviceId: 'LAPTOP' as DeviceId };

describe('SentMembers', () => {
  it('counts what was told only for that device, once its token proves that it arrived', () => {
    const sent = new SentMembers();
    sent.add(phone, [1], 100);
    expect(sent.has(phone, 1, 100)).toBe(true);
    expect(sent.has(phone, 1, 99)).toBe(false);
    expect(sent.has(laptop, 1, 100)).toBe(false);
    sent.add(phone, [1], 200);
    expect(sent.has(phone, 1, 150)).toBe(true);
    sent.forget(phone);
    expect(sent.has(phone, 1, 300)).toBe(false);
  });

  it('remembers the latest hundred', () => {
    const sent = new SentMembers();
    for (let nid = 1; nid <= 101; nid++) sent.add(phone, [nid], nid);
    expect([1, 2, 101].map((nid) => sent.has(phone, nid, 500))).toEqual([false, true, true]);
  });
});
