import type { DeviceId, UserId } from '@atoll/matrix';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { SentMembers } from './sent-members.js';

const phone = { userId: '@alice:x' as UserId, deviceId: 'PHONE' as DeviceId };
const laptop = { ...phone, deviceId: 'LAPTOP' as DeviceId };

describe('SentMembers', () => {
  let sent: SentMembers;
  beforeEach(() => {
    sent = new SentMembers();
  });
  const tell = (since: string | undefined, next: string, ...told: number[]) => {
    sent.note(phone, { since, next }, new Set(told));
  };
  const known = (token: string | undefined) => [...sent.knownAt(phone, token)];

  it('counts what was told on the way to a token, for that device', () => {
    tell(undefined, 'a', 1);
    tell('a', 'b', 2);
    tell('b', 'c');
    expect(['b', 'c'].map(known)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(known(undefined)).toEqual([]);
    expect(sent.knownAt(laptop, 'c').size).toBe(0);
  });

  it('counts nothing of answers that got lost, or that another instance gave', () => {
    tell(undefined, 'a', 1);
    tell('a', 'lost', 2);
    tell('a', 'b', 3);
    expect(known('b')).toEqual([1, 3]);
    expect(known('elsewhere')).toEqual([]);
    tell('elsewhere', 'c', 4);
    expect(known('c')).toEqual([4]);
  });

  it('counts of two answers with the same token what both told', () => {
    tell(undefined, 'a', 1);
    tell('a', 'b', 2, 3);
    tell('a', 'b', 3);
    expect(known('b')).toEqual([1, 3]);
    tell('b', 'b', 4);
    expect(known('b')).toEqual([1, 3]);
  });

  it('keeps what the request refers to, and few answers', () => {
    tell(undefined, 'a', 1);
    for (const next of ['b', 'c', 'd', 'e']) tell('a', next, 2);
    expect(['a', 'b', 'c', 'd', 'e'].map((token) => known(token).length)).toEqual([1, 0, 0, 2, 2]);
  });

  it('remembers the latest hundred', () => {
    tell(undefined, 'a', ...Array.from({ length: 100 }, (_, i) => i));
    tell('a', 'b', 0, 100);
    const members = sent.knownAt(phone, 'b');
    expect(members.size).toBe(100);
    expect([0, 1, 2, 100].map((nid) => members.has(nid))).toEqual([true, false, true, true]);
  });
});
