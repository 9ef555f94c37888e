import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@atoll/matrix';
import { type RoomVersion, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import { duringCreation, replacementPowerLevels } from './replacement-power-levels.js';

const rules = (version: RoomVersion) => rulesOf(version) as RoomVersionRules;
const reign = (version: RoomVersion, ...creators: string[]) => ({ rules: rules(version), creators });

const become = (content: JsonObject | undefined, from: RoomVersion, to: RoomVersion, by = '@a:x') =>
  replacementPowerLevels(content, reign(from, '@a:x'), reign(to, by));

describe('power levels of a replacement', () => {
  it.each<[RoomVersion, RoomVersion]>([
    ['1', '9'],
    ['9', '11'],
    ['11', '10'],
  ])('are those of the old room from version %s to %s', (from, to) => {
    const content = {
      users: { '@a:x': 100, '@b:x': 5 },
      events: { e: 7 },
      kick: 3,
      'org.own': { deep: [1] },
    };
    expect(become(content, from, to)).toEqual(content);
    expect(become({}, from, to)).toEqual({});
  });

  it('are integers, whatever the old version let pass', () => {
    const content = {
      ban: '60',
      kick: 'high',
      invite: null,
      events: { a: '7', b: 'x', c: 1.9 },
      notifications: ['room'],
      users: { '@a:x': ' +100 ', nobody: 100, '@b:x': {} },
    };
    expect(become(content, '5', '10')).toEqual({
      ban: 60,
      events: { a: 7, c: 1 },
      notifications: {},
      users: { '@a:x': 100 },
    });
  });

  it('name no creator who stands above them, but those who were one before', () => {
    const users = { '@a:x': 100, '@b:x': 100, '@c:x': 50 };
    const next = reign('12', '@b:x', '@c:x');
    expect(replacementPowerLevels({ users }, reign('11', '@a:x'), next)).toEqual({
      users: { '@a:x': 100 },
      events: { 'm.room.tombstone': 150 },
    });
    expect(replacementPowerLevels({ users: {} }, reign('12', '@a:x'), next)['users']).toEqual({});
  });

  it.each<[string, JsonObject, RoomVersion, number]>([
    ['as by default', { events: { 'm.room.tombstone': 100 } }, '11', 150],
    ['more where it was more', { events: { 'm.room.tombstone': 200 } }, '11', 200],
    ['above all other state', { state_default: 180 }, '11', 181],
    ['as before where creators were privileged', { events: { 'm.room.tombstone': 60 } }, '12', 60],
    ['not that of other state even there', { events: { 'm.room.tombstone': 50 } }, '12', 150],
  ])('let creators end the room: %s', (_, content, from, level) => {
    expect(become(content, from, '12')['events']).toEqual({ 'm.room.tombstone': level });
  });

  it('give creators who lose their privilege a level that none is above', () => {
    const content = { users: { '@b:x': 170 }, events: { 'm.room.tombstone': 150 } };
    expect(become(content, '12', '11')['users']).toEqual({ '@b:x': 170, '@a:x': 170 });
    expect(become({ users: {} }, '12', '11')['users']).toEqual({ '@a:x': 100 });
  });

  it('make the creator of a room without power levels what it was', () => {
    expect(become(undefined, '11', '10')).toEqual({ users: { '@a:x': 100 } });
    expect(become(undefined, '11', '12')).toEqual({ users: {}, events: { 'm.room.tombstone': 150 } });
  });

  it('let the creator do everything at first', () => {
    const content = { users: { '@a:x': 20, '@b:x': 100 }, events: { e: 120 } };
    expect(duringCreation(content, '@a:x', rules('11'))).toEqual({
      ...content,
      users: { '@a:x': 121, '@b:x': 100 },
    });
    expect(duringCreation({ ban: Number.MAX_SAFE_INTEGER }, '@a:x', rules('11'))['users']).toEqual({
      '@a:x': Number.MAX_SAFE_INTEGER,
    });
    expect(duringCreation(content, '@a:x', rules('12'))).toBe(content);
  });
});
