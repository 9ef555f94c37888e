import { describe, expect, it } from '@jest/globals';
import { supportedRoomVersions } from '../room-version-rules.js';
import { canRedact } from './can-redact.js';
import { powerLevelOf, powerLevelsIn } from './power-levels.js';
import { CREATOR, type StateChanges, TestRoom } from './test-room.spec-support.js';

const NO_LEVELS: StateChanges = [['m.room.power_levels', '', undefined]];

describe.each(supportedRoomVersions)('power levels in room version $version', (rules) => {
  const room = new TestRoom(rules);
  const privileged = rules.privilegedCreators;

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

  it('uses defaults for what is absent or no integer', () => {
    const content = { ban: '7', events: { a: 1.5 }, users: null, users_default: 3 };
    const levels = powerLevelsIn(room.lookup([['m.room.power_levels', '', { content }]]), rules);
    expect(levels.level('ban')).toBe(50);
    expect(levels.level('invite')).toBe(0);
    expect(levels.requiredLevel('a', true)).toBe(50);
    expect(levels.requiredLevel('__proto__', false)).toBe(0);
    expect(levels.requiredLevel('constructor', false)).toBe(0);
    expect(levels.userLevel('@mod:two')).toBe(3);
    expect(levels.notificationLevel('room')).toBe(50);
  });

  it('gives the creator the level of the version', () => {
    expect(powerLevelOf(CREATOR, room.lookup(), rules)).toBe(privileged ? Infinity : 100);
    expect(powerLevelOf(CREATOR, room.lookup(NO_LEVELS), rules)).toBe(privileged ? Infinity : 100);
    expect(powerLevelOf('@mod:two', room.lookup(NO_LEVELS), rules)).toBe(0);
  });

  it('counts additional creators only where the version has them', () => {
    const create: StateChanges = [
      ['m.room.create', '', { sender: CREATOR, content: { additional_creators: ['@user:two'] } }],
    ];
    expect(powerLevelOf('@user:two', room.lookup(create), rules)).toBe(privileged ? Infinity : 0);
  });

  it.each<[sender: string, of: string, allowed: boolean]>([
    ['@user:two', '@mod:two', true],
    ['@user:two', '@admin:one', false],
    ['@mod:two', '@admin:one', false],
    ['@admin:one', '@user:two', true],
  ])('redaction by %s of an event of %s is applied: %s', (sender, of, allowed) => {
    const redaction = room.event({ type: 'm.room.redaction', sender });
    expect(canRedact(redaction, room.event({ sender: of }), room.lookup(), rules)).toBe(allowed);
  });

  it('applies no redaction to an event of another room', () => {
    const redaction = room.event({ type: 'm.room.redaction' });
    expect(canRedact(redaction, room.event({ room_id: '!elsewhere' }), room.lookup(), rules)).toBe(false);
  });
});
