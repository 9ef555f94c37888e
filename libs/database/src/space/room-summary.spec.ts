import { describe, expect, it } from '@jest/globals';
import type { JsonObject, RoomId } from '@atoll/matrix';
import type { RoomRecord } from '../room/room-reader.js';
import { isOpen, roomsThatLetIn, roomSummary } from './room-summary.js';

const roomId = '!a:hs1' as RoomId;
const summarize = (contents: Record<string, JsonObject>, version = '12') =>
  roomSummary({ roomId, version } as RoomRecord, 1, new Map(Object.entries(contents)));
const ruled = (join_rule: string, version: string) =>
  summarize(
    { 'm.room.join_rules': { join_rule, allow: [{ type: 'm.room_membership', room_id: '!b:hs1' }] } },
    version,
  );

describe('who gets in', () => {
  it.each([
    ['public', '1', true],
    ['knock', '6', false],
    ['knock', '7', true],
    ['knock_restricted', '9', false],
    ['knock_restricted', '10', true],
    ['restricted', '10', false],
    ['invite', '10', false],
  ])('%s in version %s: anybody %s', (rule, version, open) => {
    expect(isOpen(ruled(rule, version))).toBe(open);
  });

  it.each([
    ['restricted', '7', []],
    ['restricted', '8', ['!b:hs1']],
    ['knock_restricted', '9', []],
    ['knock_restricted', '10', ['!b:hs1']],
    ['invite', '10', []],
  ])('%s in version %s: the members of %j', (rule, version, rooms) => {
    expect(roomsThatLetIn(ruled(rule, version))).toEqual(rooms);
  });

  it('is anybody where another server tells no rule', () => {
    expect(isOpen({ ...summarize({}), join_rule: undefined })).toBe(true);
    expect(isOpen({ ...ruled('knock', '6'), room_version: undefined })).toBe(true);
  });
});

describe('a summary', () => {
  it('names the rooms that let in only where the rule looks at them', () => {
    expect(ruled('restricted', '12').allowed_room_ids).toEqual(['!b:hs1']);
    expect(ruled('invite', '12')).not.toHaveProperty('allowed_room_ids');
  });

  it('leaves out what is malformed', () => {
    const summary = summarize({
      'm.room.name': { name: 7 },
      'm.room.topic': { topic: '' },
      'm.room.avatar': { url: 'https://example.org/' },
      'm.room.canonical_alias': { alias: 'a' },
    });
    expect(JSON.parse(JSON.stringify(summary))).toEqual({
      room_id: roomId,
      num_joined_members: 1,
      world_readable: false,
      guest_can_join: false,
      join_rule: 'invite',
      room_version: '12',
    });
  });
});
