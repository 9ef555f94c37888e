import type { JsonObject, JsonValue } from '@atoll/matrix';

/** The kinds of rules, in the order in which they are tried. */
export const PUSH_RULE_KINDS = ['override', 'content', 'postcontent', 'room', 'sender', 'underride'] as const;
export type PushRuleKind = (typeof PUSH_RULE_KINDS)[number];

/** @see https://spec.matrix.org/v1.19/client-server-api/#actions */
export type PushAction = 'notify' | { set_tweak: string; value?: JsonValue };

/** Kinds that this server does not know are kept, and never hold. */
export type PushCondition = JsonObject & { kind: string };

/** @see https://spec.matrix.org/v1.19/client-server-api/#push-rules */
export interface PushRule {
  rule_id: string;
  /** Given by the server; its id begins with a dot. */
  default: boolean;
  enabled: boolean;
  actions: readonly PushAction[];
  /** Of override, postcontent and underride rules: all must hold. */
  conditions?: readonly PushCondition[];
  /** Of content rules. */
  pattern?: string;
}

/** The rules of a user by kind, the most important first. */
export interface PushRuleset extends Record<Exclude<PushRuleKind, 'postcontent'>, readonly PushRule[]> {
  /** Of predefined rules only; missing where `threadSubscriptionRules` are off. */
  readonly postcontent?: readonly PushRule[];
}

/** Which rules there are. */
export interface PushRuleSettings {
  /** Those about threads that users are subscribed to, or not. @see proposals/4306-thread-subscriptions.md */
  readonly threadSubscriptionRules: boolean;
}

/** What a user has changed of a predefined rule. */
export type PredefinedRuleChange = Partial<Pick<PushRule, 'enabled' | 'actions'>>;

/**
 * What is stored of a user's rules, as the content of the account data `m.push_rules`: never the predefined ones, so that another
 * release's apply to everybody.
 */
export interface StoredPushRules {
  /** The user's own, the most important first. */
  readonly own?: Partial<Record<PushRuleKind, readonly PushRule[]>>;
  /** By the ids of predefined rules. */
  readonly changed?: Readonly<Record<string, PredefinedRuleChange>>;
}
