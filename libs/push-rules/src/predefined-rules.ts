import type { UserId } from '@atoll/matrix';
import { THREAD_SUBSCRIPTION } from './conditions.js';
import type { PushAction, PushCondition, PushRule, PushRuleset } from './push-rule.js';

/** The one predefined rule that comes before the user's own. */
export const MASTER_RULE = '.m.rule.master';

const matches = (key: string, pattern: string): PushCondition => ({ kind: 'event_match', key, pattern });
const is = (key: string, value: string | boolean): PushCondition => ({
  kind: 'event_property_is',
  key,
  value,
});
const ofType = (type: string): PushCondition => matches('type', type);
const ofState = (type: string): PushCondition[] => [ofType(type), matches('state_key', '')];
const twoMembers: PushCondition = { kind: 'room_member_count', is: '2' };
const mayNotifyRoom: PushCondition = { kind: 'sender_notification_permission', key: 'room' };
const highlight: PushAction = { set_tweak: 'highlight' };
const sound = (value: string): PushAction => ({ set_tweak: 'sound', value });

/** Without actions, a rule keeps what it matches from notifying. */
function rule(id: string, conditions: PushCondition[], actions: PushAction[] = []): PushRule {
  return { rule_id: id, default: true, enabled: true, conditions, actions };
}

const ring: PushAction[] = ['notify', sound('default')];

/** The same objects for everybody, so that they are compiled once. */
const master: PushRule = { ...rule(MASTER_RULE, []), enabled: false };
const suppressNotices = rule('.m.rule.suppress_notices', [matches('content.msgtype', 'm.notice')]);
const otherOverrides = [
  rule(
    '.m.rule.is_room_mention',
    [is(String.raw`content.m\.mentions.room`, true), mayNotifyRoom],
    ['notify', highlight],
  ),
  rule('.m.rule.tombstone', ofState('m.room.tombstone'), ['notify', highlight]),
  rule('.m.rule.reaction', [ofType('m.reaction')]),
  rule('.m.rule.room.server_acl', ofState('m.room.server_acl')),
  rule('.m.rule.suppress_edits', [is(String.raw`content.m\.relates_to.rel_type`, 'm.replace')]),
];
const inThread = (subscribed: boolean): PushCondition => ({ kind: THREAD_SUBSCRIPTION, subscribed });
/** After mentions and keywords, before what is set for rooms. @see proposals/4306-thread-subscriptions.md */
const postcontent = [
  rule('.io.element.msc4306.rule.unsubscribed_thread', [inThread(false)]),
  rule('.io.element.msc4306.rule.subscribed_thread', [inThread(true)], ring),
];
const memberEvent = rule('.m.rule.member_event', [ofType('m.room.member')]);
const underride = [
  rule('.m.rule.call', [ofType('m.call.invite')], ['notify', sound('ring')]),
  rule('.m.rule.encrypted_room_one_to_one', [twoMembers, ofType('m.room.encrypted')], ring),
  rule('.m.rule.room_one_to_one', [twoMembers, ofType('m.room.message')], ring),
  rule('.m.rule.message', [ofType('m.room.message')], ['notify']),
  rule('.m.rule.encrypted', [ofType('m.room.encrypted')], ['notify']),
];

/**
 * The rules of a user who has changed nothing, in the order in which the specification gives them: those of all settings.
 * @see https://spec.matrix.org/v1.19/client-server-api/#predefined-rules
 */
export function predefinedRules(userId: UserId): Required<PushRuleset> {
  const mentioned: PushCondition = {
    kind: 'event_property_contains',
    key: String.raw`content.m\.mentions.user_ids`,
    value: userId,
  };
  const invited = [
    ofType('m.room.member'),
    matches('content.membership', 'invite'),
    matches('state_key', userId),
  ];
  return {
    override: [
      master,
      suppressNotices,
      rule('.m.rule.invite_for_me', invited, ring),
      memberEvent,
      rule('.m.rule.is_user_mention', [mentioned], [...ring, highlight]),
      ...otherOverrides,
    ],
    content: [],
    postcontent,
    room: [],
    sender: [],
    underride,
  };
}
