import type { JsonObject, UserId } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PushContext } from './conditions.js';
import { compile, evaluate } from './evaluate.js';
import { flatten, type PushEvent } from './flat-event.js';
import { naiveRule } from './naive-rules.spec-support.js';
import type { PushCondition, PushRule, PushRuleset, StoredPushRules } from './push-rule.js';
import { rulesetOf } from './ruleset.js';

const userId = '@alice:hs1' as UserId;
const context: PushContext = { userId, displayName: 'Alice', memberCount: 3, senderLevel: 0 };

function event(content: JsonObject, more: Partial<PushEvent> = {}): PushEvent {
  return { type: 'm.room.message', sender: '@bob:hs1', room_id: '!r:hs1', content, ...more };
}

function verdict(
  stored: StoredPushRules,
  of: PushEvent,
  more: Partial<PushContext> = {},
  threadSubscriptionRules = false,
) {
  const rules = compile(rulesetOf(userId, stored, { threadSubscriptionRules }));
  const { actions, ...rest } = evaluate(rules, flatten(of), { ...context, ...more });
  return rest;
}

const own = (rule: Partial<PushRule>): PushRule => ({
  rule_id: 'own',
  default: false,
  enabled: true,
  actions: ['notify'],
  ...rule,
});

/** Whether a rule of this one condition matches. */
function holds(condition: PushCondition, of: PushEvent, more: Partial<PushContext> = {}) {
  return verdict({ own: { override: [own({ conditions: [condition] })] } }, of, more).rule === 'own';
}

describe('the predefined rules', () => {
  const mention = { 'm.mentions': { user_ids: [userId] }, body: 'hi' };
  const everyone = { 'm.mentions': { room: true }, body: 'hi' };
  const tombstone = { type: 'm.room.tombstone', state_key: '' };
  const invite = { type: 'm.room.member', state_key: userId };
  it.each<[string, PushEvent, Partial<PushContext>, object]>([
    ['message', event({ body: 'hi' }), {}, { notify: true, highlight: false }],
    [
      'room_one_to_one',
      event({ body: 'hi' }),
      { memberCount: 2 },
      { notify: true, highlight: false, sound: 'default' },
    ],
    ['suppress_notices', event({ msgtype: 'm.notice' }), {}, { notify: false, highlight: false }],
    ['is_user_mention', event(mention), {}, { notify: true, highlight: true, sound: 'default' }],
    ['is_room_mention', event(everyone), { senderLevel: 50 }, { notify: true, highlight: true }],
    ['message', event(everyone), { senderLevel: 49 }, { notify: true, highlight: false }],
    [
      'is_room_mention',
      event(everyone),
      { notificationLevels: { room: 0 } },
      { notify: true, highlight: true },
    ],
    [
      'is_room_mention',
      event(everyone),
      { notificationLevels: { room: '0' } },
      { notify: true, highlight: true },
    ],
    [
      'invite_for_me',
      event({ membership: 'invite' }, invite),
      {},
      { notify: true, highlight: false, sound: 'default' },
    ],
    ['member_event', event({ membership: 'join' }, invite), {}, { notify: false, highlight: false }],
    ['tombstone', event({}, tombstone), {}, { notify: true, highlight: true }],
    ['reaction', event({}, { type: 'm.reaction' }), {}, { notify: false, highlight: false }],
    [
      'room.server_acl',
      event({}, { ...tombstone, type: 'm.room.server_acl' }),
      {},
      { notify: false, highlight: false },
    ],
    [
      'suppress_edits',
      event({ 'm.relates_to': { rel_type: 'm.replace' } }),
      {},
      { notify: false, highlight: false },
    ],
    ['call', event({}, { type: 'm.call.invite' }), {}, { notify: true, highlight: false, sound: 'ring' }],
    ['encrypted', event({}, { type: 'm.room.encrypted' }), {}, { notify: true, highlight: false }],
  ])('%s', (name, of, more, expected) => {
    expect(verdict({}, of, more)).toEqual({ rule: `.m.rule.${name}`, ...expected });
  });

  it('say nothing of other events', () => {
    expect(verdict({}, event({}, { type: 'org.example' }))).toEqual({ notify: false, highlight: false });
    expect(verdict({}, event({}, { type: 'm.room.tombstone' }))).toEqual({ notify: false, highlight: false });
  });
});

it('notifies nobody of own events', () => {
  const stored = { own: { override: [own({ conditions: [] })] } };
  expect(verdict(stored, event({}, { sender: userId }))).toEqual({ notify: false, highlight: false });
});

it('lets the master rule come before all, the kinds follow in order, and passes over disabled rules', () => {
  const stored = {
    own: {
      override: [own({ rule_id: 'off', enabled: false, conditions: [] })],
      content: [own({ rule_id: 'content', pattern: 'cake' })],
      room: [own({ rule_id: '!r:hs1' })],
      sender: [own({ rule_id: '@bob:hs1' }), own({ rule_id: '@carol:hs1' })],
      underride: [own({ rule_id: 'under' })],
    },
  };
  const rule = (of: PushEvent) => verdict(stored, of).rule;
  expect(rule(event({ body: 'cake' }))).toBe('content');
  expect(rule(event({ body: 'tea' }))).toBe('!r:hs1');
  expect(rule(event({}, { room_id: '!s:hs1' }))).toBe('@bob:hs1');
  expect(rule(event({}, { room_id: '!s:hs1', sender: '@dan:hs1' }))).toBe('under');
  const master = { ...stored, changed: { '.m.rule.master': { enabled: true } } };
  expect(verdict(master, event({ body: 'cake' }))).toEqual({
    notify: false,
    highlight: false,
    rule: '.m.rule.master',
  });
});

it('reads the tweaks', () => {
  const tweaked = (...actions: PushRule['actions']) =>
    verdict({ own: { override: [own({ actions })] } }, event({}));
  expect(tweaked('notify', { set_tweak: 'highlight', value: false })).toMatchObject({ highlight: false });
  expect(tweaked('notify', { set_tweak: 'highlight' })).toMatchObject({ highlight: true });
  expect(tweaked({ set_tweak: 'highlight' })).toMatchObject({ notify: false, highlight: false });
  expect(tweaked('notify', { set_tweak: 'sound', value: 'bing' })).toMatchObject({ sound: 'bing' });
});

describe('conditions', () => {
  const of = event({
    body: 'Hello Alice!',
    n: 1,
    t: true,
    z: null,
    list: [1, 'a', null, ['b']],
    'a.b': { 'c\\d': 'e' },
  });
  const match = (key: string, pattern: string) => ({ kind: 'event_match', key, pattern });
  const is = (key: string, value: string | number | boolean | null) => ({
    kind: 'event_property_is',
    key,
    value,
  });
  const contains = (value: string | number | null) => ({
    kind: 'event_property_contains',
    key: 'content.list',
    value,
  });
  it.each<[PushCondition, boolean]>([
    [match('content.body', 'alice'), true],
    [match('content.body', 'lice'), false],
    [match('type', 'm.room.*'), true],
    [match('content.n', '*'), false],
    [match('content.absent', '*'), false],
    [match('content.toString', '*'), false],
    [match(String.raw`content.a\.b.c\\d`, 'E'), true],
    [match(String.raw`content.a\.b.c\d`, 'e'), true],
    [match('content.a.b.c', 'e'), false],
    [{ kind: 'event_match', key: 'type' }, false],
    [is('content.n', 1), true],
    [is('content.n', '1'), false],
    [is('content.t', true), true],
    [is('content.z', null), true],
    [is('content.absent', null), false],
    [is('content.n', 1.5), false],
    [contains('a'), true],
    [contains(null), true],
    [contains('b'), false],
    [contains('1'), false],
    [{ kind: 'contains_display_name' }, true],
    [{ kind: 'room_member_count', is: '3' }, true],
    [{ kind: 'room_member_count', is: '==3' }, true],
    [{ kind: 'room_member_count', is: '<3' }, false],
    [{ kind: 'room_member_count', is: '>2' }, true],
    [{ kind: 'room_member_count', is: '>=4' }, false],
    [{ kind: 'room_member_count', is: '<=3' }, true],
    [{ kind: 'room_member_count', is: '=3' }, false],
    [{ kind: 'room_member_count', is: 'x' }, false],
    [{ kind: 'org.example' }, false],
    [{ kind: 'toString' }, false],
  ])('%j: %s', (condition, expected) => {
    expect(holds(condition, of)).toBe(expected);
  });

  it('takes display names literally', () => {
    const name = { kind: 'contains_display_name' };
    expect(holds(name, event({ body: 'hey a*c' }), { displayName: 'a*c' })).toBe(true);
    expect(holds(name, event({ body: 'hey abc' }), { displayName: 'a*c' })).toBe(false);
    expect(holds(name, event({ body: 'hey' }), { displayName: '' })).toBe(false);
    expect(holds(name, event({ body: 'hey' }), { displayName: undefined })).toBe(false);
  });
});

describe('the rules about threads', () => {
  const on = (stored: StoredPushRules, of: PushEvent, more: Partial<PushContext> = {}) =>
    verdict(stored, of, more, true);
  const subscribed = { thread: 'subscribed' } as const;
  const unsubscribed = { thread: 'unsubscribed' } as const;
  const SUBSCRIBED = '.io.element.msc4306.rule.subscribed_thread';
  const UNSUBSCRIBED = '.io.element.msc4306.rule.unsubscribed_thread';
  const message = event({ body: 'cake' });

  it('let subscribed ones notify, others not, and say nothing of what is in none', () => {
    const notifies = { rule: SUBSCRIBED, notify: true, highlight: false, sound: 'default' };
    expect(on({}, message, subscribed)).toEqual(notifies);
    expect(on({}, message, unsubscribed)).toEqual({ rule: UNSUBSCRIBED, notify: false, highlight: false });
    expect(on({}, message).rule).toBe('.m.rule.message');
    for (const thread of [subscribed, unsubscribed]) {
      expect(verdict({}, message, thread).rule).toBe('.m.rule.message');
    }
  });

  it('come after mentions and keywords, before what is set for the room and the sender', () => {
    const mention = event({ 'm.mentions': { user_ids: [userId] } });
    expect(on({}, mention, unsubscribed).rule).toBe('.m.rule.is_user_mention');
    expect(on({ own: { content: [own({ pattern: 'cake' })] } }, message, unsubscribed).rule).toBe('own');
    const ofRoom = {
      room: [own({ rule_id: '!r:hs1', actions: [] })],
      sender: [own({ rule_id: '@bob:hs1' })],
    };
    expect(on({ own: ofRoom }, message, subscribed).rule).toBe(SUBSCRIBED);
    expect(on({ own: ofRoom }, message, unsubscribed).rule).toBe(UNSUBSCRIBED);
    expect(on({ own: ofRoom }, message).rule).toBe('!r:hs1');
  });

  it('do what the user changes of them', () => {
    const changed = { [SUBSCRIBED]: { actions: [] }, [UNSUBSCRIBED]: { enabled: false } };
    expect(on({ changed }, message, subscribed)).toEqual({
      rule: SUBSCRIBED,
      notify: false,
      highlight: false,
    });
    expect(on({ changed }, message, unsubscribed).rule).toBe('.m.rule.message');
  });

  it.each([undefined, null, 'true', 1])('have a condition that never holds for %j', (value) => {
    const condition = { kind: 'io.element.msc4306.thread_subscription', subscribed: value } as PushCondition;
    for (const thread of ['subscribed', 'unsubscribed', undefined] as const) {
      expect(holds(condition, message, { thread })).toBe(false);
    }
  });
});

it('still finds the predefined rules after patterns have used up all work', () => {
  const patterns = Array.from({ length: 400 }, (_, i) =>
    own({ rule_id: String(i), pattern: `${'a?'.repeat(250)}b` }),
  );
  const { rule } = verdict({ own: { content: patterns } }, event({ body: 'a'.repeat(60_000) }));
  expect(rule).toBe('.m.rule.message');
});

it('agrees with rules read one after the other', () => {
  const text = fc.constantFrom('a', 'b', 'a b', 'Ab', 'a.b', '');
  const key = fc.constantFrom(
    'content.body',
    'content.x',
    String.raw`content.a\.b`,
    'content.list',
    'type',
    'content',
  );
  const condition: fc.Arbitrary<PushCondition> = fc.oneof(
    fc.record({
      kind: fc.constant('event_match'),
      key,
      pattern: fc.constantFrom('a', 'a*', '?', '*b', 'm.*', ''),
    }),
    fc.record({
      kind: fc.constantFrom('event_property_is', 'event_property_contains'),
      key,
      value: fc.oneof(text, fc.boolean(), fc.constant(null), fc.nat(2)),
    }),
    fc.record({ kind: fc.constant('room_member_count'), is: fc.constantFrom('2', '3') }),
    fc.record({ kind: fc.constantFrom('contains_display_name', 'org.example') }),
    fc.record({ kind: fc.constant('io.element.msc4306.thread_subscription'), subscribed: fc.boolean() }),
  );
  const rule = fc.record({
    rule_id: fc.constantFrom('!r:hs1', '!s:hs1', '@bob:hs1', '@carol:hs1', 'own'),
    default: fc.constant(false),
    enabled: fc.boolean(),
    actions: fc.constant<PushRule['actions']>(['notify']),
    conditions: fc.array(condition, { maxLength: 2 }),
    pattern: fc.constantFrom('a', 'b*', 'a?b', '*'),
  });
  const rules = fc.uniqueArray(rule, { maxLength: 3, selector: ({ rule_id }) => rule_id });
  const rulesets = fc.record({
    override: rules,
    content: rules,
    postcontent: rules,
    room: rules,
    sender: rules,
    underride: rules,
  });
  const values = fc.oneof(
    text,
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.oneof(text, fc.nat(2)), { maxLength: 2 }),
  );
  const content = fc.dictionary(fc.constantFrom('body', 'x', 'a.b', 'list'), values, { maxKeys: 4 });
  fc.assert(
    fc.property(
      rulesets,
      content,
      fc.constantFrom('@bob:hs1', '@dan:hs1', userId),
      fc.constantFrom('subscribed', 'unsubscribed', undefined),
      (all: PushRuleset, of, sender, thread) => {
        const tried = event(of, { sender });
        const where = { ...context, displayName: 'b', thread };
        const found = evaluate(compile(all), flatten(tried), where);
        expect(found.rule).toBe(naiveRule(all, tried, where)?.rule_id);
      },
    ),
    { numRuns: 2000 },
  );
});
