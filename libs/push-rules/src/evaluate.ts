import { compileCondition, type PushContext, type Test, wordsMatch } from './conditions.js';
import type { FlatEvent } from './flat-event.js';
import type { PushAction, PushRule, PushRuleset } from './push-rule.js';
import { MAX_WORK, type Work } from './work.js';

/** What becomes of an event for one user. */
export interface PushVerdict {
  readonly notify: boolean;
  /** Never without `notify`. */
  readonly highlight: boolean;
  readonly sound?: string;
  /** Of the rule; a pusher passes its tweaks on. */
  readonly actions: readonly PushAction[];
  /** The id of the rule that matched; none where none did. */
  readonly rule?: string;
}

interface CompiledRule {
  readonly tests: readonly Test[];
  readonly verdict: PushVerdict;
}

/** A user's rules, ready to be tried on many events. Rules that can never match are left out. */
export interface CompiledRuleset {
  /** Override, content and postcontent rules. */
  readonly first: readonly CompiledRule[];
  /** By room. */
  readonly room: ReadonlyMap<string, PushVerdict>;
  /** By sender. */
  readonly sender: ReadonlyMap<string, PushVerdict>;
  readonly underride: readonly CompiledRule[];
}

const NOTHING: PushVerdict = { notify: false, highlight: false, actions: [] };

/** Prepares a user's rules: once, as long as they do not change. */
export function compile(ruleset: PushRuleset): CompiledRuleset {
  const { override, content, postcontent = [], room, sender, underride } = ruleset;
  return {
    first: [
      ...override.flatMap(compiledConditions),
      ...content.flatMap(compiledPattern),
      ...postcontent.flatMap(compiledConditions),
    ],
    room: byId(room),
    sender: byId(sender),
    underride: underride.flatMap(compiledConditions),
  };
}

/**
 * What the most important of a user's rules that matches an event says of it. Users' own events notify them of nothing.
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules
 */
export function evaluate(ruleset: CompiledRuleset, event: FlatEvent, context: PushContext): PushVerdict {
  const { sender, room_id } = event.event;
  if (sender === context.userId) return NOTHING;
  const work = { left: MAX_WORK };
  const matching = (rules: readonly CompiledRule[]) => {
    for (const { tests, verdict } of rules) if (hold(tests, event, context, work)) return verdict;
    return undefined;
  };
  return (
    matching(ruleset.first) ??
    ruleset.room.get(room_id) ??
    ruleset.sender.get(sender) ??
    matching(ruleset.underride) ??
    NOTHING
  );
}

function hold(tests: readonly Test[], event: FlatEvent, context: PushContext, work: Work): boolean {
  for (const test of tests) if (!test(event, context, work)) return false;
  return true;
}

/** Rules that are the same object for many users, as predefined ones are. */
const compiledBefore = new WeakMap<PushRule, CompiledRule[]>();

function compiledConditions(rule: PushRule): CompiledRule[] {
  let compiled = compiledBefore.get(rule);
  if (compiled === undefined) compiledBefore.set(rule, (compiled = compileConditions(rule)));
  return compiled;
}

function compileConditions(rule: PushRule): CompiledRule[] {
  if (!rule.enabled) return [];
  const tests = (rule.conditions ?? []).map(compileCondition);
  return isComplete(tests) ? [{ tests, verdict: verdictOf(rule) }] : [];
}

function compiledPattern(rule: PushRule): CompiledRule[] {
  const test = rule.enabled && rule.pattern !== undefined ? wordsMatch(rule.pattern) : undefined;
  return test ? [{ tests: [test], verdict: verdictOf(rule) }] : [];
}

function byId(rules: readonly PushRule[]): ReadonlyMap<string, PushVerdict> {
  return new Map(rules.filter(({ enabled }) => enabled).map((rule) => [rule.rule_id, verdictOf(rule)]));
}

function isComplete(tests: readonly (Test | undefined)[]): tests is readonly Test[] {
  return !tests.includes(undefined);
}

function verdictOf({ rule_id: rule, actions }: PushRule): PushVerdict {
  const notify = actions.includes('notify');
  const tweaks = new Map(
    actions.flatMap((action) => (typeof action === 'string' ? [] : [[action.set_tweak, action.value]])),
  );
  const sound = tweaks.get('sound');
  return {
    notify,
    highlight: notify && tweaks.has('highlight') && (tweaks.get('highlight') ?? true) === true,
    ...(notify && typeof sound === 'string' && { sound }),
    actions,
    rule,
  };
}
