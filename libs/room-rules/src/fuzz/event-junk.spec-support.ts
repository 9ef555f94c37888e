import { parseExactJson } from '@atoll/event-crypto';
import type { JsonValue } from '@atoll/matrix';
import type { Random } from './event-random.spec-support.js';

/** Numbers as JSON may write them, at every border that a room version draws. */
export const NUMBERS: readonly string[] = [
  ...[
    '0',
    '-0',
    '1',
    '-1',
    '50',
    '100',
    '0.0',
    '-0.0',
    '1.0',
    '1e3',
    '1E+3',
    '15e-1',
    '0.1',
    '50.57',
    '1e16',
  ],
  ...['9007199254740991', '9007199254740992', '-9007199254740991', '-9007199254740993', '9007199254740993.0'],
  ...['9223372036854775807', '9223372036854775808', '-9223372036854775808', '18446744073709551616'],
  ...['5e-324', '1e-400', '1.7976931348623157e308', '1e400', '-1e999', '1e21', '123456789012345680.0'],
  ...['1'.repeat(400), '0.'.padEnd(300, '3')],
];

/** What is no number of JSON although it looks like one. */
export const NO_NUMBERS: readonly string[] = [
  '01',
  '1.',
  '.5',
  '+1',
  '1e',
  '--1',
  '-',
  'NaN',
  '0x10',
  '1_0',
  '-Infinity',
];

export const KEYS: readonly string[] = [
  ...['type', 'room_id', 'event_id', 'sender', 'state_key', 'content', 'depth', 'origin_server_ts', 'hashes'],
  ...[
    'prev_events',
    'auth_events',
    'signatures',
    'unsigned',
    'redacts',
    'origin',
    'membership',
    'prev_state',
  ],
  ...[
    'join_authorised_via_users_server',
    'third_party_invite',
    'signed',
    'mxid',
    'token',
    'join_rule',
    'allow',
  ],
  ...[
    'users',
    'users_default',
    'events',
    'ban',
    'invite',
    'notifications',
    'aliases',
    'creator',
    'room_version',
  ],
  ...[
    'additional_creators',
    'm.federate',
    'sha256',
    'alpha.org',
    'beta.org',
    'ed25519:1',
    'rawJSON',
    'toJSON',
  ],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'length',
    '',
    '0',
    '10',
    '9',
    '\0',
    '\u{1f600}',
    '\uffff',
  ],
];

const STRINGS: readonly string[] = [
  ...[
    '',
    'x',
    '\0',
    '\ud800',
    '\udc00x',
    '\u{1f600}',
    'é'.repeat(200),
    'x'.repeat(256),
    '__proto__',
    'constructor',
  ],
  ...[
    '@alice:alpha.org',
    '@bob:beta.org',
    '@eve:evil.org',
    '@a:constructor',
    '@:',
    '@',
    '@a',
    '@:alpha.org',
    '@a:b:80',
  ],
  ...[
    '!r:alpha.org',
    `!${'h'.repeat(43)}`,
    '!',
    '$e:alpha.org',
    '$e:beta.org',
    `$${'h'.repeat(43)}`,
    '$',
    '$x\0',
  ],
  ...[
    'm.room.member',
    'm.room.create',
    'm.room.power_levels',
    'm.room.join_rules',
    'm.room.redaction',
    'm.room.aliases',
  ],
  ...[
    'm.room.third_party_invite',
    'm.room.message',
    'join',
    'invite',
    'leave',
    'ban',
    'knock',
    'restricted',
    'public',
  ],
  ...['alpha.org', 'beta.org', '1', '12', '100', ' +050 ', '1e3', 'AAAA', 'A'.repeat(43), 'A'.repeat(86)],
];

/** A number in the way that JSON writes it, kept so where JavaScript would change it. */
export function junkNumber(random: Random): JsonValue {
  return parseExactJson(random.pick(NUMBERS)) as JsonValue;
}

export const junkString = (random: Random): string => random.pick(STRINGS);

/** Any JSON value, seldom a large one. */
export function junkValue(random: Random, depth = 0): JsonValue {
  switch (random.below(depth > 3 ? 5 : 9)) {
    case 0:
      return junkNumber(random);
    case 1:
      return random.pick([null, true, false]);
    case 2:
    case 3:
      return junkString(random);
    case 4:
      return random.pick<JsonValue>([[], {}]);
    case 5:
      return Array.from({ length: random.below(4) }, () => junkValue(random, depth + 1));
    case 6:
      return Array.from({ length: random.pick([11, 21, 300]) }, () => junkString(random));
    case 7:
      return parseExactJson(nestedText(random)) as JsonValue;
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [random.pick(KEYS), junkValue(random, depth + 1)]),
      );
  }
}

/** An array or object that nests up to the bound of the parser. */
export function nestedText(random: Random): string {
  const depth = random.pick([2, 30, 505, 511]);
  const isArray = random.oneIn(2);
  return (isArray ? '[' : '{"a":').repeat(depth) + '1' + (isArray ? ']' : '}').repeat(depth);
}
