import { describe, expect, it } from '@jest/globals';
import type { JsonObject, RoomAlias } from '@atoll/matrix';
import { type RoomVersion, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import { replacementState } from './replacement-state.js';

const defaults = {
  'm.room.join_rules': { join_rule: 'invite' },
  'm.room.history_visibility': { history_visibility: 'shared' },
  'm.room.guest_access': { guest_access: 'forbidden' },
};

function become(state: Record<string, JsonObject>, version: RoomVersion = '12', aliases: string[] = []) {
  const rules = rulesOf(version) as RoomVersionRules;
  const found = replacementState((type) => state[type], aliases as RoomAlias[], rules);
  return Object.fromEntries(found.map(({ type, content }) => [type, content]));
}

describe('the state of a replacement', () => {
  it('says what counts where the old room says nothing', () => {
    expect(become({})).toEqual(defaults);
  });

  it('is that of the old room as far as it can be', () => {
    const state = {
      'm.room.name': { name: 'n', 'org.own': 1 },
      'm.room.topic': {},
      'm.room.avatar': { url: 'mxc://x/y', info: { w: 1.5 } },
      'm.room.guest_access': { guest_access: 'can_join' },
      'm.room.pinned_events': { pinned: ['$x'] },
    };
    expect(become(state)).toEqual({
      ...defaults,
      'm.room.name': state['m.room.name'],
      'm.room.guest_access': state['m.room.guest_access'],
    });
  });

  it.each<[string, RoomVersion, string]>([
    ['public', '1', 'public'],
    ['knock', '7', 'knock'],
    ['knock', '6', 'invite'],
    ['restricted', '8', 'restricted'],
    ['restricted', '7', 'invite'],
    ['knock_restricted', '10', 'knock_restricted'],
    ['knock_restricted', '9', 'restricted'],
    ['knock_restricted', '7', 'knock'],
    ['knock_restricted', '6', 'invite'],
  ])('lets people in by %s in version %s: %s', (rule, version, expected) => {
    const found = become({ 'm.room.join_rules': { join_rule: rule, allow: [] } }, version);
    expect(found['m.room.join_rules']).toMatchObject({ join_rule: expected });
  });

  it.each<[JsonObject, JsonObject | undefined]>([
    [{ alias: '#a:x' }, { alias: '#a:x' }],
    [{ alias: '#far:y', alt_aliases: ['#a:x', '#far:y', '#b:x'] }, { alt_aliases: ['#a:x', '#b:x'] }],
    [{ alias: '#far:y' }, undefined],
    [{ alias: '#other:x', alt_aliases: 'bad' }, undefined],
  ])('calls those of %j its own that lead to it', (content, expected) => {
    const found = become({ 'm.room.canonical_alias': content }, '12', ['#a:x', '#b:x']);
    expect(found['m.room.canonical_alias']).toEqual(expected);
  });
});
