import { describe, expect, it } from '@jest/globals';
import { isLazy, needsOf, type RequiredState, StateMatcher } from './required-state.js';

const state = (given: Partial<RequiredState>): RequiredState => ({
  include: [],
  exclude: [],
  lazyMembers: false,
  ...given,
});
const everything = state({ include: [{}] });

describe('required state', () => {
  it.each<[string, Partial<RequiredState>, [string, string], boolean]>([
    ['nothing', {}, ['a', ''], false],
    ['everything', { include: [{}] }, ['a', 'b'], true],
    ['a type', { include: [{ type: 'a' }] }, ['a', 'b'], true],
    ['another type', { include: [{ type: 'a' }] }, ['b', 'b'], false],
    ['a state key of any type', { include: [{ stateKey: 'b' }] }, ['a', 'b'], true],
    [
      'a member of any type, lazily',
      { include: [{ stateKey: '@a:x' }], lazyMembers: true },
      ['m.room.member', '@a:x'],
      true,
    ],
    [
      'all but a type',
      { include: [{ type: 'a', stateKey: 'b' }], exclude: [{ type: 'a' }] },
      ['a', 'b'],
      false,
    ],
    ['all but a state key', { include: [{}], exclude: [{ stateKey: 'b' }] }, ['a', 'b'], false],
    ['one key', { include: [{ type: 'a', stateKey: '' }] }, ['a', 'b'], false],
    ['all but one', { include: [{}], exclude: [{ type: 'a', stateKey: '' }] }, ['a', ''], false],
    ['all but another', { include: [{}], exclude: [{ type: 'a', stateKey: '' }] }, ['a', 'b'], true],
    ['members, lazily', { include: [{}], lazyMembers: true }, ['m.room.member', '@a:x'], false],
    [
      'a member by name',
      { include: [{}, { type: 'm.room.member', stateKey: '@a:x' }], lazyMembers: true },
      ['m.room.member', '@a:x'],
      true,
    ],
    ['other state, lazily', { include: [{}], lazyMembers: true }, ['m.room.name', ''], true],
  ])('of %s', (_, given, [type, stateKey], expected) => {
    expect(new StateMatcher([state(given)]).requires(type, stateKey)).toBe(expected);
  });

  it('of several is what any of them requires', () => {
    const both = [state({ include: [{ type: 'a' }] }), state({ include: [{}], exclude: [{ type: 'a' }] })];
    const matcher = new StateMatcher(both);
    expect(['a', 'b'].map((type) => matcher.requires(type, ''))).toEqual([true, true]);
    expect(new StateMatcher([]).requires('a', '')).toBe(false);
  });

  it('is lazy unless all members come anyway', () => {
    const lazy = state({ include: [{}], lazyMembers: true });
    expect(isLazy([lazy])).toBe(true);
    expect(isLazy([everything])).toBe(false);
    expect(isLazy([lazy, everything])).toBe(false);
    expect(isLazy([lazy, state({ include: [{ type: 'm.room.member' }] })])).toBe(false);
    expect(isLazy([lazy, state({ include: [{}], exclude: [{ type: 'm.room.member' }] })])).toBe(true);
    expect(isLazy([lazy, state({ include: [{ type: 'm.room.name' }] })])).toBe(true);
  });

  it('says what must be read', () => {
    expect(needsOf([everything])).toEqual({ everything: { members: true }, types: [], keys: [] });
    expect(needsOf([state({ include: [{}], lazyMembers: true })]).everything).toEqual({ members: false });
    const named = state({
      include: [{ type: 'a' }, { type: 'm.room.member' }, { stateKey: '@a:x' }],
      lazyMembers: true,
    });
    expect(needsOf([named])).toEqual({
      everything: { members: false },
      types: ['a'],
      keys: [{ type: 'm.room.member', stateKey: '@a:x' }],
    });
    expect(needsOf([state({ include: [{ type: 'a', stateKey: '' }] })]).everything).toBe(false);
  });
});
