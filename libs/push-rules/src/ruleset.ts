import type { UserId } from '@atoll/matrix';
import { MASTER_RULE, predefinedRules } from './predefined-rules.js';
import type { PushRule, PushRuleset, PushRuleSettings, StoredPushRules } from './push-rule.js';

/**
 * The rules of a user: of each kind the user's own before the predefined ones, with what the user has changed of these.
 * Only `.m.rule.master` comes before everything.
 * @see https://spec.matrix.org/v1.19/client-server-api/#predefined-rules
 */
export function rulesetOf(
  userId: UserId,
  stored: StoredPushRules | undefined,
  { threadSubscriptionRules }: PushRuleSettings,
): PushRuleset {
  const { own = {}, changed = {} } = stored ?? {};
  const asChanged = (rule: PushRule): PushRule =>
    Object.hasOwn(changed, rule.rule_id) ? { ...rule, ...changed[rule.rule_id] } : rule;
  const predefined = predefinedRules(userId);
  const override = predefined.override.map(asChanged);
  const isMaster = (rule: PushRule) => rule.rule_id === MASTER_RULE;
  return {
    override: [
      ...override.filter(isMaster),
      ...(own.override ?? []),
      ...override.filter((rule) => !isMaster(rule)),
    ],
    content: own.content ?? [],
    ...(threadSubscriptionRules && { postcontent: predefined.postcontent.map(asChanged) }),
    room: own.room ?? [],
    sender: own.sender ?? [],
    underride: [...(own.underride ?? []), ...predefined.underride.map(asChanged)],
  };
}
