import type { RoomActorReader, StateOverride } from '@atoll/database';
import type { EventId } from '@atoll/matrix';
import { type StateKey, stateKey, type StateMap } from '@atoll/room-rules';
import type { EventCache } from '../room-actor/event-cache.js';
import type { KnownEvent } from '../room-actor/pending-event.js';
import type { ReadState } from '../room-actor/recent-states.js';
import { ActorDropped, type RoomActor } from '../room-actor/room-actor.js';
import type { StateResolver } from '../resolve/state-resolver.js';

/** How a state before an event is stored; see the table `event_state`. */
export interface StoredBranchState {
  basePosition: number;
  parentEventNid: number | null;
  overrides: StateOverride[];
}

/** A longer chain of overrides is written out flat, so that reading one stays cheap. */
export const MAX_CHAIN = 50;

/**
 * The states of a room's branches: before and after any stored event, not only at the tip. Those of the newest events are in memory
 * (`RecentStates`); for all others the actor must be drained.
 */
export class BranchStates {
  constructor(
    private readonly reader: RoomActorReader,
    private readonly events: EventCache,
    private readonly resolver: StateResolver,
  ) {}

  /** The resolved state after all of the events, and of other branches whose state is given. */
  async after(
    actor: RoomActor,
    events: readonly KnownEvent[],
    given: readonly StateMap[] = [],
  ): Promise<StateMap> {
    const states = await Promise.all(events.map((event) => this.afterOne(actor, event)));
    return this.resolver.resolve([...states, ...given], actor.rules);
  }

  /** The resolution of the state after an event that is about to be taken with the states after other events. */
  async merge(
    actor: RoomActor,
    taking: { readonly event: KnownEvent; readonly after: StateMap },
    others: readonly KnownEvent[],
  ): Promise<StateMap> {
    const states = await Promise.all(others.map((event) => this.afterOne(actor, event)));
    return this.resolver.resolve([taking.after, ...states], actor.rules, taking.event);
  }

  /** Whether a successor of an event can be placed beside the other tips from memory alone. */
  areInMemory({ recent, extremities }: RoomActor, prev: readonly EventId[]): boolean {
    const [parent] = prev;
    if (parent === undefined || prev.length > 1) return false;
    const found = recent.foundAt(parent);
    if (!found || ('stored' in found && found.stored.depth >= MAX_CHAIN)) return false;
    return [parent, ...extremities.keys()].every((id) => recent.after(id) !== undefined);
  }

  private async afterOne(actor: RoomActor, event: KnownEvent): Promise<StateMap> {
    const recent = actor.recent.after(event.eventId);
    if (recent) return recent;
    const { before, from } = await this.read(actor, event);
    const after = withEvent(before, event);
    actor.recent.read(event.eventId, after, from);
    return after;
  }

  /** From the room's state now, with what has changed since the event's base, and then what its branch overrides. */
  private async read(actor: RoomActor, event: KnownEvent): Promise<{ before: StateMap; from: ReadState }> {
    const stored = await this.reader.eventState(event.eventNid);
    const from: ReadState = stored ? { stored } : { position: await this.positionOf(event) };
    const position = 'stored' in from ? from.stored.basePosition : from.position - 1;
    const since = await this.reader.stateDifference(actor.roomNid, position);
    const overrides = await this.reader.resolveOverrides(stored?.overrides ?? []);
    if (since.length + overrides.length === 0) return { before: actor.recent.current(), from };
    const before = new Map(actor.state);
    for (const { type, stateKey: key, eventId } of [...since, ...overrides]) {
      if (eventId === null) before.delete(stateKey(type, key));
      else before.set(stateKey(type, key), eventId);
    }
    return { before, from };
  }

  private async positionOf(event: KnownEvent): Promise<number> {
    const [loaded] = await this.reader.events([event.eventId]);
    if (loaded?.position == null) {
      // It was purged by another owner: without it in memory, it is one that this server misses.
      this.events.evict([event.eventId]);
      throw new ActorDropped();
    }
    return loaded.position;
  }

  /**
   * How to store the state before a new event. A successor of one branch event shares that one's overrides, that of an event of the
   * timeline is found at its position; any other is written as its difference from the room's state now.
   */
  async describe(
    actor: RoomActor,
    before: StateMap,
    prev: readonly KnownEvent[],
    overridesOf: (changes: ReadonlyMap<StateKey, EventId | null>) => Promise<StateOverride[]>,
  ): Promise<{ readonly state: StoredBranchState; readonly depth: number }> {
    const [parent] = prev;
    const found = parent && prev.length === 1 ? await this.find(actor, parent) : undefined;
    if (parent && found && 'stored' in found && found.stored.depth < MAX_CHAIN) {
      const { basePosition, depth } = found.stored;
      const overrides = await overridesOf(ownChange(parent));
      return { state: { basePosition, parentEventNid: parent.eventNid, overrides }, depth: depth + 1 };
    }
    if (found && 'position' in found) {
      return { state: { basePosition: found.position, parentEventNid: null, overrides: [] }, depth: 1 };
    }
    const overrides = await overridesOf(differenceFromNow(actor, before));
    return { state: { basePosition: actor.lastPosition, parentEventNid: null, overrides }, depth: 1 };
  }

  private async find(
    { recent }: RoomActor,
    { eventId, eventNid }: KnownEvent,
  ): Promise<ReadState | undefined> {
    const found = recent.foundAt(eventId);
    if (found) return found;
    const stored = await this.reader.eventState(eventNid);
    return stored && { stored };
  }

  /** Events by id, from memory or the database. */
  async known(ids: readonly EventId[]): Promise<KnownEvent[]> {
    return [...(await this.events.load(ids)).values()];
  }
}

/** What an event itself does to the state: nothing when it is no state event or was rejected. */
export function ownChange({ eventId, pdu, rejected }: KnownEvent): Map<StateKey, EventId> {
  if (rejected || pdu.state_key === undefined) return new Map();
  return new Map([[stateKey(pdu.type, pdu.state_key), eventId]]);
}

/** The state after an event, given the one before it; a copy only where it differs, because rooms are large. */
export function withEvent(before: StateMap, event: KnownEvent): StateMap {
  const changes = ownChange(event);
  if (changes.size === 0) return before;
  const after = new Map(before);
  for (const [key, id] of changes) after.set(key, id);
  return after;
}

/** What must change in the current state to get `to`. */
export function differenceFromNow(actor: RoomActor, to: StateMap): ReadonlyMap<StateKey, EventId | null> {
  return actor.recent.isCurrent(to) ? new Map<StateKey, EventId | null>() : stateDifference(actor.state, to);
}

/** What must change in `from` to get `to`; null takes the key away. */
export function stateDifference(from: StateMap, to: StateMap): Map<StateKey, EventId | null> {
  const changes = new Map<StateKey, EventId | null>();
  for (const [key, id] of to) if (from.get(key) !== id) changes.set(key, id);
  for (const key of from.keys()) if (!to.has(key)) changes.set(key, null);
  return changes;
}
