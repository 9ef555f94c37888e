import { describe, expect, it } from '@jest/globals';
import type { RoomId } from '@atoll/matrix';
import { decodeHierarchyToken, encodeHierarchyToken } from './hierarchy-token.js';
import { SeenRooms } from './seen-rooms.js';

const root = '!root:hs1' as RoomId;
const sub = '!süb:hs1' as RoomId;
const parameters = { roomId: root, suggestedOnly: false, maxDepth: 2 };
const encode = (path: RoomId[], seen: RoomId[] = [root]) => {
  const rooms = SeenRooms.none();
  for (const room of seen) rooms.add(room);
  return encodeHierarchyToken(parameters, { path, seen: rooms });
};

describe('tokens of a hierarchy', () => {
  it('hold the way down and the rooms that were met', () => {
    const { path, seen } = decodeHierarchyToken(encode([root, sub], [root, sub]), parameters);
    expect(path).toEqual([root, sub]);
    expect([root, sub, '!other:hs1' as RoomId].map((room) => seen.has(room))).toEqual([true, true, false]);
  });

  it('fit into a URL when they are as long as can be', () => {
    const path = Array.from({ length: 10 }, (_, i) => `!${'r'.repeat(240)}${i}:hs1` as RoomId);
    const seen = Array.from({ length: 1000 }, (_, i) => `!${i}:hs1` as RoomId);
    const longest = { roomId: path[0] as RoomId, suggestedOnly: false, maxDepth: 10 };
    const rooms = SeenRooms.none();
    for (const room of seen) rooms.add(room);
    const token = encodeHierarchyToken(longest, { path, seen: rooms });
    expect(token.length).toBeLessThan(9_000);
    expect(decodeHierarchyToken(token, longest).seen.size).toBe(1000);
  });

  it.each([
    ['another room', { ...parameters, roomId: sub }],
    ['suggested rooms', { ...parameters, suggestedOnly: true }],
    ['another depth', { ...parameters, maxDepth: 3 }],
  ])('are not for %s', (_, other) => {
    expect(() => decodeHierarchyToken(encode([root]), other)).toThrow();
  });

  it.each([
    '',
    'h1_',
    'h1_.',
    'h1_W10.AAAAAA',
    `h1_${Buffer.from('[false,2,["no room"]]').toString('base64url')}.AAAAAA`,
    `${encode([root])}A`,
    encode([root, sub, root]),
    `h1_${'A'.repeat(20_000)}.AAAAAA`,
  ])('are not %j', (token) => {
    expect(() => decodeHierarchyToken(token, parameters)).toThrow('Not a token of this hierarchy');
  });
});
