import type { RoomId, UserId } from '@atoll/matrix';
import { predefinedRules } from './predefined-rules.js';
import type {
  PredefinedRuleChange,
  PushCondition,
  PushRule,
  PushRuleKind,
  PushRuleset,
  StoredPushRules,
} from './push-rule.js';

/** A rule as a client writes it. */
export type RuleToSet = Pick<PushRule, 'rule_id' | 'actions' | 'conditions' | 'pattern'>;

/** Ids of own rules of the same kind: a rule goes next to them, above `before` if both are given. */
export interface RulePlace {
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** The rule of a kind and id. */
export function findRule(ruleset: PushRuleset, kind: PushRuleKind, id: string): PushRule | undefined {
  return ruleset[kind]?.find((rule) => rule.rule_id === id);
}

/**
 * Adds a rule, enabled, above all own ones of its kind, or replaces what one of that id does; with a place it goes there.
 * @returns undefined when there is no own rule at that place
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid
 */
export function setRule(
  stored: StoredPushRules,
  kind: PushRuleKind,
  rule: RuleToSet,
  { before, after }: RulePlace = {},
): StoredPushRules | undefined {
  const rules = ownRules(stored, kind);
  const index = rules.findIndex(({ rule_id }) => rule_id === rule.rule_id);
  const { rule_id, ...parameters } = rule;
  const made: PushRule = { rule_id, default: false, enabled: rules[index]?.enabled ?? true, ...parameters };
  const neighbour = before ?? after;
  if (neighbour === undefined) {
    return withOwn(stored, kind, index < 0 ? [made, ...rules] : rules.with(index, made));
  }
  const others = rules.filter(({ rule_id: id }) => id !== rule_id);
  const place = others.findIndex(({ rule_id: id }) => id === neighbour);
  if (place < 0) return undefined;
  return withOwn(stored, kind, others.toSpliced(before === undefined ? place + 1 : place, 0, made));
}

/** @returns undefined when the user has no such rule of his own */
export function removeRule(
  stored: StoredPushRules,
  kind: PushRuleKind,
  id: string,
): StoredPushRules | undefined {
  const rules = ownRules(stored, kind);
  const left = rules.filter(({ rule_id }) => rule_id !== id);
  return left.length === rules.length ? undefined : withOwn(stored, kind, left);
}

/**
 * Changes whether a rule is enabled or what it does, predefined ones too.
 * @returns undefined when there is no such rule
 */
export function changeRule(
  userId: UserId,
  stored: StoredPushRules,
  kind: PushRuleKind,
  id: string,
  change: PredefinedRuleChange,
): StoredPushRules | undefined {
  if (findRule(predefinedRules(userId), kind, id)) {
    return { ...stored, changed: { ...stored.changed, [id]: { ...stored.changed?.[id], ...change } } };
  }
  const rules = ownRules(stored, kind);
  const index = rules.findIndex(({ rule_id }) => rule_id === id);
  const rule = rules[index];
  return rule && withOwn(stored, kind, rules.with(index, { ...rule, ...change }));
}

/**
 * Gives a room that replaces another the rules that are about that one: room rules, and those whose conditions name the room. What the user
 * has said about the new room already stays.
 * @returns undefined when there is nothing to add
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export function followRoom(stored: StoredPushRules, from: RoomId, to: RoomId): StoredPushRules | undefined {
  const roomRules = ownRules(stored, 'room').filter(({ rule_id }) => rule_id === from);
  let followed = withCopies(stored, 'room', roomRules, (rule) => ({ ...rule, rule_id: to }));
  for (const kind of ['override', 'underride'] as const) {
    const naming = ownRules(stored, kind).filter(({ conditions = [] }) =>
      conditions.some((condition) => namesRoom(condition, from)),
    );
    followed = withCopies(followed, kind, naming, (rule) => ({
      ...rule,
      rule_id: rule.rule_id.includes(from) ? rule.rule_id.replaceAll(from, to) : `${rule.rule_id} in ${to}`,
      conditions: (rule.conditions ?? []).map((condition) =>
        namesRoom(condition, from) ? { ...condition, pattern: to } : condition,
      ),
    }));
  }
  return followed === stored ? undefined : followed;
}

/** Each copy stands above the rule that it was made of. */
function withCopies(
  stored: StoredPushRules,
  kind: PushRuleKind,
  originals: readonly PushRule[],
  copyOf: (rule: PushRule) => PushRule,
): StoredPushRules {
  const rules = ownRules(stored, kind);
  const ids = new Set(rules.map(({ rule_id }) => rule_id));
  const copied = rules.flatMap((rule) => {
    const copy = originals.includes(rule) ? copyOf(rule) : undefined;
    return copy === undefined || ids.has(copy.rule_id) ? [rule] : [copy, rule];
  });
  return copied.length === rules.length ? stored : withOwn(stored, kind, copied);
}

function namesRoom({ kind, key, pattern }: PushCondition, roomId: RoomId): boolean {
  return kind === 'event_match' && key === 'room_id' && pattern === roomId;
}

function ownRules({ own }: StoredPushRules, kind: PushRuleKind): readonly PushRule[] {
  return own?.[kind] ?? [];
}

function withOwn(stored: StoredPushRules, kind: PushRuleKind, rules: readonly PushRule[]): StoredPushRules {
  return { ...stored, own: { ...stored.own, [kind]: rules } };
}
