import type { EventId } from '@atoll/matrix';
import { resolveState, rulesOf, type StateKey } from '@atoll/room-rules';
import type { ResolutionTask } from './resolution-task.js';

/** Runs in a worker thread: a large resolution must not hold up the rooms of the process. */
export default function resolve({ states, events, version }: ResolutionTask): [StateKey, EventId][] {
  const rules = rulesOf(version);
  if (!rules) throw new Error(`Room version ${version} is not supported`);
  const byId = new Map(events.map((event) => [event.eventId, event]));
  return [...resolveState(states, { get: (id) => byId.get(id) }, rules)];
}
