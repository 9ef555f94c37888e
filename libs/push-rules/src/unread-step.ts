import { isJsonObject, type JsonObject, type UserId } from '@atoll/matrix';
import { type PushContext, THREAD_SUBSCRIPTION } from './conditions.js';
import { compile, type CompiledRuleset, evaluate } from './evaluate.js';
import type { FlatEvent } from './flat-event.js';
import type { PushRuleset } from './push-rule.js';
import type { UnreadStep } from './unread-counts.js';

/** An event of a timeline, and what deciding about it needs that is the same for all users. */
export interface CountableEvent {
  readonly position: number;
  readonly roomNid: number;
  readonly thread: number;
  readonly flat: FlatEvent;
  readonly senderLevel: number;
  readonly notificationLevels: unknown;
  /** How the sender's own membership changes: a new profile is sent into rooms that nobody looks at. */
  readonly membership?: 'joins' | 'changes-profile' | undefined;
  /** Who is subscribed to the thread that it is in; undefined when it is in none, or nobody's rules ask. */
  readonly subscribers?: ReadonlySet<string> | undefined;
}

/** Whose counts they are. */
export interface NotifiedUser {
  readonly userId: UserId;
  readonly rules: CompiledRuleset;
  readonly ignored: ReadonlySet<string>;
  /** The rules ask for the user's name in the room. */
  readonly usesDisplayName: boolean;
  /** The user's own rules ask for power levels: the predefined ones do so only where everybody in the room is mentioned. */
  readonly usesLevels: boolean;
  /** The rules ask for the user's subscriptions to threads. */
  readonly usesSubscriptions: boolean;
}

/** A user, with rules ready to be tried. */
export function notifiedUser(
  userId: UserId,
  ruleset: PushRuleset,
  ignored: ReadonlySet<string>,
): NotifiedUser {
  const { override, postcontent = [], underride } = ruleset;
  const rules = [...override, ...postcontent, ...underride];
  const asks = (kind: string, isOwn: boolean) =>
    rules.some(
      (rule) =>
        rule.enabled &&
        !(isOwn && rule.default) &&
        rule.conditions?.some((condition) => condition.kind === kind),
    );
  return {
    userId,
    rules: compile(ruleset),
    ignored,
    usesDisplayName: asks('contains_display_name', false),
    usesLevels: asks('sender_notification_permission', true),
    // A condition of the user's own is an unknown one where the predefined rules are off.
    usesSubscriptions: ruleset.postcontent !== undefined && asks(THREAD_SUBSCRIPTION, false),
  };
}

/** Whether the predefined rules ask who may notify everybody in the room. */
export function mentionsRoom(content: JsonObject): boolean {
  const { body } = content;
  const mentions = content['m.mentions'];
  const isInBody = typeof body === 'string' && body.toLowerCase().includes('@room');
  return isInBody || (isJsonObject(mentions) && mentions['room'] === true);
}

/** How the room stands for the user. */
export interface NotifiedPlace {
  readonly displayName?: string | undefined;
  readonly memberCount: number;
}

/**
 * What an event does to a user's counts. Sending an event is reading: up to it, in its thread.
 * @see https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications
 */
export function stepOf(event: CountableEvent, user: NotifiedUser, place: NotifiedPlace): UnreadStep {
  return { position: event.position, thread: event.thread, effect: effectOf(event, user, place) };
}

function effectOf(event: CountableEvent, { userId, rules, ignored }: NotifiedUser, place: NotifiedPlace) {
  const { flat, membership, senderLevel, notificationLevels, subscribers } = event;
  const { sender, state_key } = flat.event;
  if (sender === userId) {
    if (membership === 'joins') return 'reads-room';
    return membership === 'changes-profile' ? 'none' : 'reads-thread';
  }
  // State of ignored users is told, their messages are not.
  if (state_key === undefined && ignored.has(sender)) return 'none';
  const thread = subscribers && (subscribers.has(userId) ? 'subscribed' : 'unsubscribed');
  const context: PushContext = { ...place, userId, senderLevel, notificationLevels, thread };
  const { notify, highlight } = evaluate(rules, flat, context);
  if (!notify) return 'none';
  return highlight ? 'highlights' : 'notifies';
}
