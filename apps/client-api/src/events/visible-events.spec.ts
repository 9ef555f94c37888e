import { describe, expect, it } from '@jest/globals';
import type { StoredEvent, VisibilityTimelines } from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import { maySee } from './history-visibility.js';
import { momentOf } from './visible-events.js';

const viewer = '@bob:a.example' as UserId;

/** Bob: invited at 20, joined at 30, left at 40, joined again at 60. The setting: joined from 10, shared from 50. */
const timelines: VisibilityTimelines = {
  historyVisibility: [
    { from: 10, to: 50, value: 'joined' },
    { from: 50, to: null, value: 'shared' },
  ],
  membership: [
    { from: 20, to: 30, value: 'invite' },
    { from: 30, to: 40, value: 'join' },
    { from: 40, to: 60, value: 'leave' },
    { from: 60, to: null, value: 'join' },
  ],
};

function event(
  position: number,
  type = 'm.room.message',
  content: JsonObject = {},
  stateKey?: string,
): StoredEvent {
  return { position, pdu: { type, content, state_key: stateKey } } as unknown as StoredEvent;
}

const member = (position: number, membership: string) =>
  event(position, 'm.room.member', { membership }, viewer);
const sees = (stored: StoredEvent) => maySee(momentOf(viewer, stored, timelines, undefined));

describe('momentOf', () => {
  it.each([
    [5, true, 'before the setting it is shared, and he joined later'],
    [15, false, 'joined, before his invite'],
    [25, false, 'joined, while invited'],
    [35, true, 'while joined'],
    [45, false, 'joined, after he left'],
    [55, true, 'shared, and he joined later'],
    [65, true, 'while joined again'],
  ])('a message at %i is seen: %s (%s)', (position, expected) => {
    expect(sees(event(position))).toBe(expected);
  });

  it('judges events on the boundary by the state on either side', () => {
    expect(sees(event(10, 'm.room.history_visibility', { history_visibility: 'joined' }, ''))).toBe(true);
    expect(sees(member(20, 'invite'))).toBe(false);
    expect(sees(member(30, 'join'))).toBe(true);
    expect(sees(member(40, 'leave'))).toBe(true);
    expect(sees(event(50, 'm.room.history_visibility', { history_visibility: 'shared' }, ''))).toBe(true);
  });

  it('counts only joins after the event as later joins', () => {
    const left: VisibilityTimelines = {
      historyVisibility: [],
      membership: [
        { from: 30, to: 40, value: 'join' },
        { from: 40, to: null, value: 'leave' },
      ],
    };
    expect(maySee(momentOf(viewer, event(29), left, undefined))).toBe(true);
    expect(maySee(momentOf(viewer, event(41), left, undefined))).toBe(false);
  });

  it('takes the state before an event of a fork from its base and its overrides', () => {
    const fork = { basePosition: 35, membership: { value: 'leave' } };
    expect(momentOf(viewer, event(65), timelines, fork).before).toEqual({
      historyVisibility: 'joined',
      membership: 'leave',
    });
    expect(momentOf(viewer, event(65), timelines, { basePosition: 35 }).before.membership).toBe('join');
    expect(
      momentOf(viewer, event(65), timelines, { basePosition: 35, membership: { value: undefined } }).before
        .membership,
    ).toBeUndefined();
  });
});
