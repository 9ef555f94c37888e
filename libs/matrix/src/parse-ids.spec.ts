import { expect, test } from '@jest/globals';
import { isDeviceId, isEventId, isRoomAlias, isRoomId, isServerName, isUserId } from './parse-ids.js';

const NUL = '\0';
const HALF_CHARACTER = '\ud83d';

test.each([
  [isUserId, '@a:s'],
  [isRoomId, '!a:s'],
  [isRoomAlias, '#a:s'],
  [isEventId, '$a'],
  [isEventId, '$a:s'],
  [isDeviceId, 'A'],
  [isServerName, 's'],
])('what no database can hold is in no id: %p %s', (isId, id) => {
  expect(isId(id)).toBe(true);
  for (const bad of [NUL, HALF_CHARACTER]) {
    for (let at = 0; at <= id.length; at++) {
      expect(isId(id.slice(0, at) + bad + id.slice(at))).toBe(false);
    }
  }
});
