import type { JsonObject, UserId } from '@atoll/matrix';

const matches = (key: string, pattern: string): JsonObject => ({ kind: 'event_match', key, pattern });
const is = (key: string, value: string | boolean): JsonObject => ({ kind: 'event_property_is', key, value });
const ofType = (type: string): JsonObject => matches('type', type);
const twoMembers: JsonObject = { kind: 'room_member_count', is: '2' };
const highlight: JsonObject = { set_tweak: 'highlight' };
const sound = (value: string): JsonObject => ({ set_tweak: 'sound', value });

/** Without actions, a rule keeps what it matches from notifying. */
function rule(name: string, conditions: JsonObject[], actions: (string | JsonObject)[] = []): JsonObject {
  return { rule_id: `.m.rule.${name}`, default: true, enabled: true, conditions, actions };
}

/**
 * The ruleset of a user who has changed nothing.
 * @see https://spec.matrix.org/v1.19/client-server-api/#predefined-rules
 */
export function defaultPushRules(userId: UserId): JsonObject {
  const isMentioned = {
    kind: 'event_property_contains',
    key: String.raw`content.m\.mentions.user_ids`,
    value: userId,
  };
  const mayNotifyRoom = { kind: 'sender_notification_permission', key: 'room' };
  return {
    override: [
      { ...rule('master', []), enabled: false },
      rule('suppress_notices', [matches('content.msgtype', 'm.notice')]),
      rule(
        'invite_for_me',
        [ofType('m.room.member'), matches('content.membership', 'invite'), matches('state_key', userId)],
        ['notify', sound('default')],
      ),
      rule('member_event', [ofType('m.room.member')]),
      rule('is_user_mention', [isMentioned], ['notify', sound('default'), highlight]),
      rule(
        'is_room_mention',
        [is(String.raw`content.m\.mentions.room`, true), mayNotifyRoom],
        ['notify', highlight],
      ),
      rule('tombstone', [ofType('m.room.tombstone'), matches('state_key', '')], ['notify', highlight]),
      rule('reaction', [ofType('m.reaction')]),
      rule('room.server_acl', [ofType('m.room.server_acl'), matches('state_key', '')]),
      rule('suppress_edits', [is(String.raw`content.m\.relates_to.rel_type`, 'm.replace')]),
    ],
    content: [],
    room: [],
    sender: [],
    underride: [
      rule('call', [ofType('m.call.invite')], ['notify', sound('ring')]),
      rule(
        'encrypted_room_one_to_one',
        [twoMembers, ofType('m.room.encrypted')],
        ['notify', sound('default')],
      ),
      rule('room_one_to_one', [twoMembers, ofType('m.room.message')], ['notify', sound('default')]),
      rule('message', [ofType('m.room.message')], ['notify']),
      rule('encrypted', [ofType('m.room.encrypted')], ['notify']),
    ],
  };
}
