import type { JsonObject, UserId } from '@atoll/matrix';
import { type PushRuleset, type PushRuleSettings, rulesetOf } from '@atoll/push-rules';

/** The type of the account data that keeps what users changed, and as which clients see all of their rules. */
export const PUSH_RULES = 'm.push_rules';

/** @param stored the content of the account data, which nobody else writes */
export function pushRulesOf(
  userId: UserId,
  stored: JsonObject | undefined,
  settings: PushRuleSettings,
): PushRuleset {
  return rulesetOf(userId, stored, settings);
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#push-rules-events */
export function pushRulesContent(
  userId: UserId,
  stored: JsonObject | undefined,
  settings: PushRuleSettings,
): JsonObject {
  return { global: pushRulesOf(userId, stored, settings) as unknown as JsonObject };
}
