export { type PushContext } from './conditions.js';
export { compile, type CompiledRuleset, evaluate, type PushVerdict } from './evaluate.js';
export { FlatEvent, flatten, type PushEvent } from './flat-event.js';
export { MAX_GLOB_LENGTH } from './glob.js';
export { MASTER_RULE, predefinedRules } from './predefined-rules.js';
export * from './push-rule.js';
export { rulesetOf } from './ruleset.js';
export { EvaluationTurns } from './evaluation-turns.js';
export * from './unread-counts.js';
export * from './unread-step.js';
export {
  changeRule,
  findRule,
  followRoom,
  removeRule,
  type RulePlace,
  type RuleToSet,
  setRule,
} from './edit-rules.js';
