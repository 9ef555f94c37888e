import { describe, expect, it } from '@jest/globals';
import type { StoredEvent } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import {
  compileFilter,
  compileTypes,
  type RoomEventFilter,
  roomEventFilterSchema,
} from './room-event-filter.js';

function event(pdu: JsonObject, redacted = false): StoredEvent {
  return {
    roomId: '!a:x',
    pdu: { type: 'm.room.message', sender: '@alice:x', content: {}, ...pdu },
    ...(redacted && { redactedBecause: {} }),
  } as unknown as StoredEvent;
}

it('takes a bounded number of patterns, but any number of types', () => {
  const named = (suffix: string) => Array.from({ length: 101 }, (_, n) => `type-${n}${suffix}`);
  expect(roomEventFilterSchema.safeParse({ types: named('') }).success).toBe(true);
  expect(roomEventFilterSchema.safeParse({ types: named('*').slice(1) }).success).toBe(true);
  expect(roomEventFilterSchema.safeParse({ not_types: named('*') }).success).toBe(false);
});

describe('compileTypes', () => {
  it.each([
    ['m.room.*', 'm.room.message', true],
    ['m.room.*', 'm.room', false],
    ['*', '', true],
    ['m.*.name', 'm.room.name', true],
    ['m.*.name', 'm.name', false],
    ['a*a', 'a', false],
    ['*b*b*', 'abcb', true],
    ['*b*b*', 'abc', false],
    ['a*bc*c', 'abc', false],
    ['m.room.message', 'm.room.message', true],
    ['m.room.messag', 'm.room.message', false],
    ['m.room.?', 'm.room.x', false],
    ['**', 'anything', true],
  ])('%s on %s: %s', (pattern, type, expected) => {
    expect(compileTypes([pattern], undefined)(type)).toBe(expected);
    expect(compileTypes(undefined, [pattern])(type)).toBe(!expected);
  });

  it('lets exclusion win, and an empty list match nothing', () => {
    expect(compileTypes(['m.*'], ['m.room.*'])('m.room.name')).toBe(false);
    expect(compileTypes([], undefined)('m.room.name')).toBe(false);
  });
});

describe('compileFilter', () => {
  const cases: [RoomEventFilter, JsonObject, boolean][] = [
    [{}, {}, true],
    [{ senders: ['@alice:x'] }, {}, true],
    [{ senders: ['@bob:x'] }, {}, false],
    [{ not_senders: ['@alice:x'], senders: ['@alice:x'] }, {}, false],
    [{ rooms: ['!a:x'] }, {}, true],
    [{ rooms: [] }, {}, false],
    [{ not_rooms: ['!a:x'] }, {}, false],
    [{ contains_url: true }, {}, false],
    [{ contains_url: true }, { content: { url: 'mxc://x/y' } }, true],
    [{ contains_url: false }, { content: { url: 'mxc://x/y' } }, false],
    [{ types: ['m.room.member'] }, {}, false],
  ];
  it.each(cases)('%j on %j: %s', (filter, pdu, expected) => {
    expect(compileFilter(filter)(event(pdu))).toBe(expected);
  });

  it('takes the url of a redacted event for gone', () => {
    expect(compileFilter({ contains_url: true })(event({ content: { url: 'mxc://x/y' } }, true))).toBe(false);
  });
});

describe('roomEventFilterSchema', () => {
  it.each([
    { types: 'm.room.name' },
    { senders: ['bob'] },
    { rooms: ['room'] },
    { limit: 0 },
    { contains_url: 1 },
  ])('refuses %j', (filter) => {
    expect(roomEventFilterSchema.safeParse(filter).success).toBe(false);
  });
});
