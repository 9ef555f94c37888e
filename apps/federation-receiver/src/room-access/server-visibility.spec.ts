import type { JsonObject, Pdu, ServerName } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import { mayServerSee } from './server-visibility.js';

const hs2 = 'hs2:8448' as ServerName;
const bob = '@bob:hs2:8448';

const before = (
  historyVisibility: string | null,
  users: { isJoined?: boolean; isInvited?: boolean } = {},
) => ({
  ...{ historyVisibility, isJoined: false, isInvited: false },
  ...users,
});
const event = (type: string, content: JsonObject = {}, state_key?: string) =>
  ({ type, content, ...(state_key !== undefined && { state_key }) }) as Pdu;
const message = event('m.room.message');

describe('mayServerSee', () => {
  it.each([
    ['world_readable', true, true, true],
    ['shared', true, true, true],
    [null, true, true, true],
    ['nonsense', true, true, true],
    ['invited', false, true, true],
    ['joined', false, false, true],
  ])('%s: without users %s, with an invited one %s, with a joined one %s', (setting, ...expected) => {
    const users = [{}, { isInvited: true }, { isJoined: true }];
    expect(users.map((user) => mayServerSee(hs2, () => message, before(setting, user)))).toEqual(expected);
  });

  it('judges member events of the server by the membership on either side', () => {
    const sees = (setting: string, membership: string, user = bob, users = {}) =>
      mayServerSee(hs2, () => event('m.room.member', { membership }, user), before(setting, users));
    expect(sees('joined', 'join')).toBe(true);
    expect(sees('joined', 'invite')).toBe(false);
    expect(sees('invited', 'invite')).toBe(true);
    expect(sees('joined', 'leave', bob, { isJoined: true })).toBe(true);
    expect(sees('joined', 'join', '@eve:hs2')).toBe(false);
    expect(mayServerSee(hs2, () => event('m.room.member', { membership: 'join' }), before('joined'))).toBe(
      false,
    );
  });

  it('judges a change of the setting by the value on either side', () => {
    const sees = (from: string, to: string, key = '') =>
      mayServerSee(
        hs2,
        () => event('m.room.history_visibility', { history_visibility: to }, key),
        before(from),
      );
    expect([sees('joined', 'shared'), sees('shared', 'joined'), sees('joined', 'invited')]).toEqual([
      ...[true, true],
      false,
    ]);
    expect(sees('joined', 'shared', 'other')).toBe(false);
  });

  it('does not read an event for which the state before it is enough', () => {
    const read = () => {
      throw new Error('read');
    };
    expect(mayServerSee(hs2, read, before('shared'))).toBe(true);
  });
});
