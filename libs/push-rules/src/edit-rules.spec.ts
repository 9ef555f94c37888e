import type { RoomId, UserId } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import { changeRule, findRule, followRoom, removeRule, type RulePlace, setRule } from './edit-rules.js';
import type { PushRuleKind, StoredPushRules } from './push-rule.js';
import { rulesetOf } from './ruleset.js';

const userId = '@alice:hs1' as UserId;
const ALL = { threadSubscriptionRules: true };
const rule = (rule_id: string) => ({ rule_id, actions: [] });

function withRules(...ids: string[]): StoredPushRules {
  return ids
    .toReversed()
    .reduce<StoredPushRules>((stored, id) => setRule(stored, 'content', rule(id)) ?? stored, {});
}
const order = (stored: StoredPushRules = {}, kind: PushRuleKind = 'content') =>
  (rulesetOf(userId, stored, ALL)[kind] ?? []).map(({ rule_id }) => rule_id);

describe('the place of a rule', () => {
  it.each<[string, RulePlace, string]>([
    ['x', {}, 'x a b c'],
    ['x', { before: 'b' }, 'a x b c'],
    ['x', { after: 'b' }, 'a b x c'],
    ['x', { before: 'c', after: 'a' }, 'a b x c'],
    ['b', {}, 'a b c'],
    ['c', { before: 'a' }, 'c a b'],
    ['a', { after: 'c' }, 'b c a'],
  ])('%s %j: %s', (id, place, expected) => {
    expect(order(setRule(withRules('a', 'b', 'c'), 'content', rule(id), place)).join(' ')).toBe(expected);
  });

  it.each<RulePlace>([{ before: 'x' }, { after: 'x' }, { before: 'x', after: 'a' }, { before: 'a' }])(
    '%j is none',
    (place) => {
      expect(setRule(withRules('a'), 'content', rule('a'), place)).toBeUndefined();
    },
  );

  it('is below the master rule and above the other predefined ones', () => {
    const ids = order(setRule({}, 'override', rule('x')), 'override');
    expect(ids.slice(0, 3)).toEqual(['.m.rule.master', 'x', '.m.rule.suppress_notices']);
    expect(setRule({}, 'override', rule('x'), { before: '.m.rule.reaction' })).toBeUndefined();
  });
});

it('keeps a rule switched off when it is set again', () => {
  const off = changeRule(userId, withRules('a'), 'content', 'a', { enabled: false }) ?? {};
  const again = setRule(off, 'content', { ...rule('a'), pattern: 'p' }) ?? {};
  expect(findRule(rulesetOf(userId, again, ALL), 'content', 'a')).toEqual({
    rule_id: 'a',
    default: false,
    enabled: false,
    actions: [],
    pattern: 'p',
  });
});

it('removes own rules only', () => {
  expect(order(removeRule(withRules('a', 'b'), 'content', 'a'))).toEqual(['b']);
  expect(removeRule(withRules('a'), 'content', 'b')).toBeUndefined();
  expect(removeRule({}, 'override', '.m.rule.master')).toBeUndefined();
});

it('changes predefined rules, of their kind', () => {
  const off = changeRule(userId, {}, 'override', '.m.rule.reaction', { enabled: false }) ?? {};
  const both = changeRule(userId, off, 'override', '.m.rule.reaction', { actions: ['notify'] }) ?? {};
  const changed = findRule(rulesetOf(userId, both, ALL), 'override', '.m.rule.reaction');
  expect(changed).toMatchObject({ default: true, enabled: false, actions: ['notify'] });
  expect(changeRule(userId, {}, 'underride', '.m.rule.reaction', { enabled: true })).toBeUndefined();
  expect(changeRule(userId, {}, 'content', 'constructor', { enabled: true })).toBeUndefined();
});

describe('a room that replaces another', () => {
  const [from, to] = ['!old:hs1', '!new'] as [RoomId, RoomId];
  const inRoom = { kind: 'event_match', key: 'room_id', pattern: from };

  it('gets its rules', () => {
    const named = { conditions: [inRoom, { kind: 'contains_display_name' }] };
    const stored = [
      setRule({}, 'room', { rule_id: from, actions: ['notify'] }),
      setRule({}, 'override', { ...rule(from), ...named }),
      setRule({}, 'underride', { ...rule('mine'), ...named }),
      setRule({}, 'content', { ...rule(from), pattern: from }),
    ].reduce<StoredPushRules>((all, one) => ({ own: { ...all.own, ...one?.own } }), {});
    const followed = followRoom(stored, from, to) ?? {};
    expect(order(followed, 'room')).toEqual([to, from]);
    expect(order(followed, 'override').slice(1, 3)).toEqual([to, from]);
    expect(order(followed, 'underride').slice(0, 2)).toEqual([`mine in ${to}`, 'mine']);
    expect(order(followed, 'content')).toEqual([from]);
    expect(followed.own?.override?.[0]?.conditions).toEqual([
      { ...inRoom, pattern: to },
      named.conditions[1],
    ]);
    expect(followRoom(followed, from, to)).toBeUndefined();
  });

  it('keeps what it has', () => {
    const old = setRule({}, 'room', rule(from)) ?? {};
    const both = setRule(old, 'room', { rule_id: to, actions: ['notify'] }) ?? {};
    expect(followRoom(both, from, to)).toBeUndefined();
    expect(followRoom({}, from, to)).toBeUndefined();
  });
});
