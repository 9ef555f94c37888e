import type { EventId, RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { stateKey, type StateKey, type StateMap } from '../state-map.js';
import { authDifference } from './auth-difference.js';
import { conflictedSubgraph } from './conflicted-subgraph.js';
import { splitConflicted } from './conflicted-state.js';
import type { EventSource } from './event-source.js';
import { applyAuthorized, type PartialState } from './iterative-auth-checks.js';
import { mainlineOrder } from './mainline-order.js';
import { powerOrder } from './power-order.js';
import type { Explain, ResolutionStep } from './resolution-step.js';

const POWER_LEVELS = stateKey('m.room.power_levels', '');
const EMPTY: StateMap = new Map<StateKey, EventId>();

/**
 * State resolution of room versions 2 to 11 (v2) and 12 (v2.1), which starts from nothing and replays more.
 * @see https://spec.matrix.org/v1.19/rooms/v2/#state-resolution
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export function resolveStateV2(
  stateSets: readonly StateMap[],
  source: EventSource,
  rules: RoomVersionRules,
  explain?: Explain,
): StateMap {
  const split = splitConflicted(stateSets);
  const { unconflicted, conflicted } = split;
  if (conflicted.size === 0) return unconflicted;
  const isVersion21 = rules.stateResolution === 'v2.1';

  // The full conflicted set, as far as its events are at hand.
  const fullConflicted = new Map<EventId, RoomEvent>();
  const subgraph = isVersion21 ? conflictedSubgraph(conflicted, source) : [];
  for (const id of [...conflicted, ...authDifference(stateSets, split, source), ...subgraph]) {
    const event = source.get(id);
    if (event?.pdu.state_key !== undefined) fullConflicted.set(id, event);
  }

  // 1–2. Power events first.
  const state: PartialState = { base: isVersion21 ? EMPTY : unconflicted, resolved: new Map() };
  const replay = (phase: ResolutionStep['phase'], events: readonly RoomEvent[]) => {
    applyAuthorized(events, state, source, rules, (key, { eventId }, rejection) => {
      explain?.({ phase, eventId, key, rejection });
    });
  };
  const powerEvents = powerOrder(fullConflicted, source, rules);
  replay('power', powerEvents);

  // 3–4. The others along the mainline of the power levels that came out.
  for (const { eventId } of powerEvents) fullConflicted.delete(eventId);
  const powerLevels = state.resolved.get(POWER_LEVELS) ?? state.base.get(POWER_LEVELS);
  const mainlineStart = powerLevels === undefined ? undefined : source.get(powerLevels);
  replay('mainline', mainlineOrder(fullConflicted.values(), mainlineStart, source));

  // 5. What was never in conflict stands above all.
  return new Map([...state.resolved, ...unconflicted]);
}
