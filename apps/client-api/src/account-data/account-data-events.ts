import type { AccountDataEntry } from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import type { PushRuleSettings } from '@atoll/push-rules';
import { PUSH_RULES, pushRulesContent } from '../push-rules/push-rules-content.js';

/** An entry as its owner reads it: push rules are stored without the predefined ones. */
export function accountDataEvent(
  userId: UserId,
  { roomId, type, content }: AccountDataEntry,
  settings: PushRuleSettings,
): JsonObject {
  const isPushRules = roomId === '' && type === PUSH_RULES;
  return { type, content: isPushRules ? pushRulesContent(userId, content, settings) : content };
}

/** Everything global that a client gets at first: everybody has push rules, stored or not. */
export function allGlobalEvents(
  userId: UserId,
  entries: readonly AccountDataEntry[],
  settings: PushRuleSettings,
): JsonObject[] {
  const events = entries.map((entry) => accountDataEvent(userId, entry, settings));
  if (entries.some(({ type }) => type === PUSH_RULES)) return events;
  return [{ type: PUSH_RULES, content: pushRulesContent(userId, undefined, settings) }, ...events];
}
