import type { EventId } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { type StateKey, type StateMap } from '../state-map.js';
import type { EventSource } from './event-source.js';
import type { ResolutionStep } from './resolution-step.js';
import { resolveState } from './resolve-state.js';

/** Why a key of a state came out of its resolution as it did. */
export interface ExplainedKey {
  readonly key: StateKey;
  /** What each state had under the key, in the order of the states. */
  readonly held: readonly (EventId | undefined)[];
  /** The events of this key that were checked, in that order: those of the states, and others from between or before them. */
  readonly steps: readonly ResolutionStep[];
  readonly outcome: EventId | undefined;
  /**
   * - `unconflicted`: the states agree, or in version 1 no two of them differ; whatever was replayed does not count;
   * - `last-allowed`: of the checked events that no rule rejected, the last to take the key (in version 1's last pass the first);
   * - `oldest`: in version 1, none of the others could follow the oldest event;
   * - `none-allowed`: every event was rejected, or could not be had.
   */
  readonly because: 'unconflicted' | 'last-allowed' | 'oldest' | 'none-allowed';
}

/**
 * Resolves states as `resolveState` does and tells, for every key that was in conflict or replayed, how its outcome came about.
 */
export function explainResolution(
  stateSets: readonly StateMap[],
  source: EventSource,
  rules: RoomVersionRules,
): { readonly state: StateMap; readonly keys: readonly ExplainedKey[] } {
  const steps = new Map<StateKey, ResolutionStep[]>();
  const state = resolveState(stateSets, source, rules, (step) => {
    const known = steps.get(step.key);
    if (known === undefined) steps.set(step.key, [step]);
    else known.push(step);
  });
  const keys = new Set([...stateSets.flatMap((one) => [...one.keys()]), ...steps.keys()]);
  const explained = [...keys].map((key): ExplainedKey => {
    const held = stateSets.map((one) => one.get(key));
    const ofKey = steps.get(key) ?? [];
    const outcome = state.get(key);
    return { key, held, steps: ofKey, outcome, because: reason(held, ofKey, outcome, rules) };
  });
  const isOfInterest = ({ held, steps: ofKey, outcome }: ExplainedKey) =>
    ofKey.length > 0 || held.some((id) => id !== outcome);
  return { state, keys: explained.filter(isOfInterest) };
}

function reason(
  held: readonly (EventId | undefined)[],
  steps: readonly ResolutionStep[],
  outcome: EventId | undefined,
  { stateResolution }: RoomVersionRules,
): ExplainedKey['because'] {
  if (outcome === undefined) return 'none-allowed';
  const differs = (id: EventId | undefined) =>
    id !== outcome && (id !== undefined || stateResolution !== 'v1');
  if (!held.some(differs)) return 'unconflicted';
  const isAllowed = steps.some(({ eventId, rejection }) => eventId === outcome && rejection === undefined);
  return isAllowed ? 'last-allowed' : 'oldest';
}
