import type { RoomVersionRules } from '../room-version-rules.js';
import type { StateMap } from '../state-map.js';
import type { EventSource } from './event-source.js';
import type { Explain } from './resolution-step.js';
import { resolveStateV1 } from './resolve-v1.js';
import { resolveStateV2 } from './resolve-v2.js';

/**
 * The one state that a set of states resolves to by the algorithm of the room version; their order does not matter.
 * `explain` is told what became of every event that was checked. Never throws for missing or odd events.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#state-resolution
 * @see https://spec.matrix.org/v1.19/rooms/v2/#state-resolution
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export function resolveState(
  stateSets: readonly StateMap[],
  source: EventSource,
  rules: RoomVersionRules,
  explain?: Explain,
): StateMap {
  const resolve = rules.stateResolution === 'v1' ? resolveStateV1 : resolveStateV2;
  return resolve(stateSets, source, rules, explain);
}
