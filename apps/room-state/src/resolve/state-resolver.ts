import { authEventIds, type EventId, type RoomEvent } from '@atoll/matrix';
import {
  eventsNeededForResolution,
  resolveState,
  type RoomVersionRules,
  type StateKey,
  type StateMap,
} from '@atoll/room-rules';
import { histogram } from '@atoll/telemetry';
import type { Piscina } from 'piscina';
import type { EventCache } from '../room-actor/event-cache.js';
import type { ResolutionTask } from './resolution-task.js';

/** From this many loaded events on, a resolution leaves the event loop. */
const WORKER_THRESHOLD = 500;
/** Longer than any room should take, shorter than for ever: a worker that hangs must not hold its room. */
const WORKER_TIMEOUT_MS = 30_000;
/** Each round loads what the round before asked for in vain; more mean a cycle of our own making. */
const MAX_ROUNDS = 20;

const duration = histogram('atoll_state_resolution_seconds', 'Time to resolve the states of one fork');

export type ResolutionWorkers = Piscina<ResolutionTask, [StateKey, EventId][]>;

/** Merges the states of forks: loads the events that the algorithm looks at, and runs it, in a worker thread when it is large. */
export class StateResolver {
  constructor(
    private readonly events: EventCache,
    private readonly workers: ResolutionWorkers,
  ) {}

  /**
   * @param taking an event in one of the states that the server is only about to take
   * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
   */
  async resolve(states: readonly StateMap[], rules: RoomVersionRules, taking?: RoomEvent): Promise<StateMap> {
    const [only, ...others] = states;
    // Branches that did not change the state share it.
    if (only && others.every((other) => other === only)) return only;
    const started = performance.now();
    const resolved = await this.resolveLoading(states, rules, taking);
    duration.record((performance.now() - started) / 1000, { algorithm: rules.stateResolution });
    return resolved;
  }

  /** The algorithm says which events it missed; it runs again until none of those exists. */
  private async resolveLoading(
    states: readonly StateMap[],
    rules: RoomVersionRules,
    taking?: RoomEvent,
  ): Promise<StateMap> {
    const known = new Map<EventId, RoomEvent>(taking && [[taking.eventId, taking]]);
    const conflicted = eventsNeededForResolution(states);
    if (conflicted.length === 0) return states[0] ?? new Map<StateKey, EventId>();
    await this.loadWithAuthChains([...conflicted, ...(taking ? authEventIds(taking.pdu) : [])], known);
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if (known.size > WORKER_THRESHOLD) return this.resolveInWorker(states, known, rules);
      const missed = new Set<EventId>();
      const get = (id: EventId) => {
        const event = known.get(id);
        if (!event) missed.add(id);
        return event;
      };
      const resolved = resolveState(states, { get }, rules);
      const before = known.size;
      await this.loadWithAuthChains(missed, known);
      if (known.size === before) return resolved;
    }
    throw new Error('State resolution kept asking for more events');
  }

  private async resolveInWorker(
    states: readonly StateMap[],
    known: Map<EventId, RoomEvent>,
    rules: RoomVersionRules,
  ): Promise<StateMap> {
    await this.loadWithAuthChains(allIds(states), known);
    const task = { states, events: [...known.values()], version: rules.version };
    const signal = AbortSignal.timeout(WORKER_TIMEOUT_MS);
    return new Map(await this.workers.run(task, { signal }));
  }

  /** Breadth first, one query a level. */
  private async loadWithAuthChains(ids: Iterable<EventId>, known: Map<EventId, RoomEvent>): Promise<void> {
    let level = [...ids].filter((id) => !known.has(id));
    const asked = new Set(level);
    while (level.length > 0) {
      const next: EventId[] = [];
      for (const [id, event] of await this.events.load(level)) {
        known.set(id, event);
        for (const parent of authEventIds(event.pdu)) {
          if (known.has(parent) || asked.has(parent)) continue;
          asked.add(parent);
          next.push(parent);
        }
      }
      level = next;
    }
  }
}

function allIds(states: readonly StateMap[]): Set<EventId> {
  return new Set(states.flatMap((state) => [...state.values()]));
}
