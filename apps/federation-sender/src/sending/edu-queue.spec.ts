import { describe, expect, it } from '@jest/globals';
import type { EventId, RoomId, UserId } from '@atoll/matrix';
import { EduQueue, MAX_EDUS, type Notice } from './edu-queue.js';

const roomId = '!room:hs1' as RoomId;
const user = (name: string | number) => `@${name}:hs1` as UserId;
const typing = (name: string | number, isTyping = true): Notice => {
  return { type: 'm.typing', roomId, userId: user(name), typing: isTyping };
};
const receipt = (name: string | number, eventId: string, threadId = ''): Notice => {
  return { type: 'm.receipt', roomId, userId: user(name), threadId, eventId: eventId as EventId, ts: 1 };
};

describe('what waits for a destination beside events', () => {
  it('is the newest of each kind, user, room and thread', () => {
    const queue = new EduQueue();
    queue.add([typing('a'), receipt('a', '$one'), receipt('b', '$one')]);
    queue.add([typing('a', false), receipt('a', '$two')]);
    expect(queue.take()).toEqual([
      { edu_type: 'm.typing', content: { room_id: roomId, user_id: user('a'), typing: false } },
      {
        edu_type: 'm.receipt',
        content: {
          [roomId]: {
            'm.read': {
              [user('b')]: { data: { ts: 1 }, event_ids: ['$one'] },
              [user('a')]: { data: { ts: 1 }, event_ids: ['$two'] },
            },
          },
        },
      },
    ]);
    expect(queue.size).toBe(0);
  });

  it('puts receipts of one user in several threads into several EDUs', () => {
    const queue = new EduQueue();
    queue.add([receipt('a', '$one'), receipt('a', '$two', 'main'), receipt('b', '$three', 'main')]);
    const read = (users: object) => ({
      edu_type: 'm.receipt',
      content: { [roomId]: { 'm.read': users } },
    });
    expect(queue.take()).toEqual([
      read({
        [user('a')]: { data: { ts: 1 }, event_ids: ['$one'] },
        [user('b')]: { data: { ts: 1, thread_id: 'main' }, event_ids: ['$three'] },
      }),
      read({ [user('a')]: { data: { ts: 1, thread_id: 'main' }, event_ids: ['$two'] } }),
    ]);
  });

  it('goes out a hundred at a time, and is bounded', () => {
    const queue = new EduQueue();
    queue.add(Array.from({ length: 1_500 }, (_, n) => typing(n)));
    expect(queue.size).toBe(1_000);
    const edus = queue.take();
    expect(edus).toHaveLength(MAX_EDUS);
    expect(edus[0]).toMatchObject({ content: { user_id: user(500) } });
    expect(queue.size).toBe(900);
  });

  it('does not tell late that somebody types, only that somebody has stopped', () => {
    const queue = new EduQueue();
    queue.add([typing('a'), typing('b', false)], 0);
    expect(queue.take(20_000)).toEqual([
      { edu_type: 'm.typing', content: { room_id: roomId, user_id: user('b'), typing: false } },
    ]);
  });

  it('tells the presence of many users in few EDUs, of each the newest', () => {
    const queue = new EduQueue();
    const presence = (name: string | number, statusMsg: string | null): Notice => {
      const known = { presence: 'unavailable', lastActiveTs: 0, currentlyActive: false } as const;
      return { type: 'm.presence', userId: user(name), statusMsg, ...known };
    };
    for (let i = 0; i < 60; i++) queue.add([presence(i, 'old')]);
    for (let i = 0; i < 60; i++) queue.add([presence(i, i === 7 ? 'new' : null)]);
    const pushed = queue.take().map(({ content }) => (content as { push: object[] }).push);
    expect(pushed.map(({ length }) => length)).toEqual([50, 10]);
    expect(JSON.stringify(pushed)).not.toContain('old');
    expect(pushed[0]?.[7]).toEqual({
      user_id: user(7),
      presence: 'unavailable',
      status_msg: 'new',
      last_active_ago: expect.any(Number),
    });
    expect(queue.size).toBe(0);
  });

  it('leaves presence that has no room for the next transaction', () => {
    const queue = new EduQueue();
    queue.add(Array.from({ length: MAX_EDUS }, (_, i) => typing(i)));
    const known = { presence: 'online', statusMsg: null, lastActiveTs: 0, currentlyActive: true } as const;
    queue.add([{ type: 'm.presence', userId: user('a'), ...known }]);
    expect(queue.take().every(({ edu_type }) => edu_type === 'm.typing')).toBe(true);
    expect(queue.take()).toMatchObject([{ edu_type: 'm.presence' }]);
  });
});
