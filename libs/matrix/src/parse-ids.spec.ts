import { expect, test } from '@jest/globals';
import {
  hasEventIdGrammar,
  hasOldEventIdGrammar,
  hasOldRoomIdGrammar,
  hasUserIdGrammar,
  isDeviceId,
  isEventId,
  isRoomAlias,
  isRoomId,
  isServerName,
  isUserId,
} from './parse-ids.js';

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
  [hasUserIdGrammar, '@a:s'],
  [hasOldRoomIdGrammar, '!a:s'],
  [hasOldEventIdGrammar, '$a:s'],
  [hasEventIdGrammar, '$a'],
])('what no database can hold is in no id: %p %s', (isId, id) => {
  expect(isId(id)).toBe(true);
  for (const bad of [NUL, HALF_CHARACTER]) {
    for (let at = 0; at <= id.length; at++) {
      expect(isId(id.slice(0, at) + bad + id.slice(at))).toBe(false);
    }
  }
});

test.each([
  [hasUserIdGrammar, isUserId, '@'],
  [hasOldRoomIdGrammar, isRoomId, '!'],
  [hasOldEventIdGrammar, isEventId, '$'],
  [hasEventIdGrammar, isEventId, '$'],
])('grammar alone leaves the length to the caller: %p', (hasGrammar, isId, sigil) => {
  const id = (length: number) => `${sigil}${'a'.repeat(length - 3)}:s`;
  expect([hasGrammar(id(255)), isId(id(255))]).toEqual([true, true]);
  expect([hasGrammar(id(256)), isId(id(256))]).toEqual([true, false]);
  expect(hasGrammar(`${sigil}${'é'.repeat(5_000)}:s:80`)).toBe(true);
  for (const bad of ['', sigil, 'a:s', `x${sigil}:s`, 7, null, { rawJSON: id(9) }]) {
    expect(hasGrammar(bad)).toBe(false);
  }
});

test.each([hasUserIdGrammar, hasOldRoomIdGrammar, hasOldEventIdGrammar])(
  'grammar wants a server name: %p',
  (hasGrammar) => {
    for (const sigil of ['@', '!', '$']) {
      for (const rest of ['a', 'a:', 'a:s:port', 'a:s_s', 'a: s', 'a:s:8448:1', `a:${'s'.repeat(256)}`]) {
        expect(hasGrammar(sigil + rest)).toBe(false);
      }
    }
  },
);
