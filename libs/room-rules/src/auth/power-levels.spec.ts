import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@atoll/matrix';
import { supportedRoomVersions } from '../room-version-rules.js';
import { powerLevelOf, powerLevelsIn } from './power-levels.js';
import { CREATOR, type StateChanges, TestRoom } from './test-room.spec-support.js';

const NO_LEVELS: StateChanges = [['m.room.power_levels', '', undefined]];
const setTo = (content: JsonObject): StateChanges => [['m.room.power_levels', '', { content }]];

/** Values, the levels they stand for, and the last room version in which they do. */
const VALUES: readonly [value: JsonValue, level: number, last: number][] = [
  [7, 7, 12],
  [-7, -7, 12],
  [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 12],
  ['7', 7, 9],
  [' +0100 ', 100, 9],
  ['-5', -5, 9],
  ['\t0\n', 0, 9],
  [50.57, 50, 5],
  [-50.57, -50, 5],
  [5.114698e4, 51146, 5],
  [1e18, 1e18, 5],
  ['1.5', NaN, 0],
  ['abc', NaN, 0],
  ['', NaN, 0],
  ['Infinity', NaN, 0],
  ['9'.repeat(400), NaN, 0],
  [Infinity, NaN, 0],
  [NaN, NaN, 0],
];

describe.each(supportedRoomVersions)('power levels in room version $version', (rules) => {
  const room = new TestRoom(rules);
  const privileged = rules.privilegedCreators;
  const version = Number(rules.version);
  /** No event of versions 6 to 9 can have what 1 to 5 truncate. */
  const readable = VALUES.filter(([, , last]) => last !== 5 || version < 6 || version > 9);

  it('reads what is set', () => {
    const levels = powerLevelsIn(room.lookup(), rules);
    expect(levels.userLevel('@mod:two')).toBe(50);
    expect(levels.userLevel('@anybody:two')).toBe(0);
    expect(levels.level('invite')).toBe(20);
    expect(levels.requiredLevel('m.room.name', true)).toBe(40);
    expect(levels.requiredLevel('m.room.topic', true)).toBe(50);
    expect(levels.requiredLevel('m.room.message', false)).toBe(0);
    expect(levels.notificationLevel('all')).toBe(95);
  });

  it('uses defaults for what is absent or no level', () => {
    const content = { ban: 'seven', events: { a: null }, users: null, users_default: 3, redact: [1] };
    const levels = powerLevelsIn(room.lookup(setTo(content)), rules);
    expect(levels.level('ban')).toBe(50);
    expect(levels.level('redact')).toBe(50);
    expect(levels.level('kick')).toBe(50);
    expect(levels.level('invite')).toBe(0);
    expect(levels.requiredLevel('a', true)).toBe(50);
    expect(levels.requiredLevel('a', false)).toBe(0);
    expect(levels.requiredLevel('__proto__', false)).toBe(0);
    expect(levels.requiredLevel('constructor', false)).toBe(0);
    expect(levels.userLevel('@mod:two')).toBe(3);
    expect(levels.notificationLevel('room')).toBe(50);
  });

  it.each(readable)('reads %j as %d up to version %d, else as no level', (value, level, last) => {
    const content = { ban: value, users: { '@mod:two': value }, events: { a: value }, users_default: 3 };
    const levels = powerLevelsIn(room.lookup(setTo({ ...content, notifications: { room: value } })), rules);
    const isLevel = version <= last;
    expect(levels.level('ban')).toBe(isLevel ? level : 50);
    expect(levels.userLevel('@mod:two')).toBe(isLevel ? level : 3);
    expect(levels.requiredLevel('a', true)).toBe(isLevel ? level : 50);
    expect(levels.notificationLevel('room')).toBe(isLevel ? level : 50);
  });

  it('counts what is between -1 and 0 as 0', () => {
    if (version >= 6) return;
    const read = powerLevelsIn(room.lookup(setTo({ ban: -0.5, users: { '@mod:two': 0 } })), rules);
    expect(read.userLevel('@mod:two')).toBeGreaterThanOrEqual(read.level('ban'));
    expect(read.level('ban')).toBeGreaterThanOrEqual(0);
  });

  it('gives the creator the level of the version', () => {
    expect(powerLevelOf(CREATOR, room.lookup(), rules)).toBe(privileged ? Infinity : 100);
    expect(powerLevelOf(CREATOR, room.lookup(NO_LEVELS), rules)).toBe(privileged ? Infinity : 100);
    expect(powerLevelOf('@mod:two', room.lookup(NO_LEVELS), rules)).toBe(0);
    const empty = room.lookup(setTo({ users_default: 7 }));
    expect(powerLevelOf(CREATOR, empty, rules)).toBe(privileged ? Infinity : 7);
  });

  it('looks for the creator where the version names him', () => {
    const create: StateChanges = [
      ['m.room.create', '', { sender: CREATOR, content: { creator: '@user:two' } }],
      ...NO_LEVELS,
    ];
    const named = rules.creatorInContent ? '@user:two' : CREATOR;
    const other = rules.creatorInContent ? CREATOR : '@user:two';
    expect(powerLevelOf(named, room.lookup(create), rules)).toBe(privileged ? Infinity : 100);
    expect(powerLevelOf(other, room.lookup(create), rules)).toBe(0);
  });

  it('counts additional creators only where the version has them', () => {
    const create: StateChanges = [
      ['m.room.create', '', { sender: CREATOR, content: { additional_creators: ['@user:two'] } }],
    ];
    expect(powerLevelOf('@user:two', room.lookup(create), rules)).toBe(privileged ? Infinity : 0);
  });
});
