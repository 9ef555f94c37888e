import type { EventId } from '@atoll/matrix';
import type { StateMap } from '@atoll/room-rules';

/** Where the state before an event is stored, for successors to be chained to. */
export interface StoredState {
  readonly basePosition: number;
  /** Links of the chain of overrides. */
  readonly depth: number;
}

interface Entry {
  /** The state after the event; of one that was the only tip, the version of the current state that it was. */
  readonly after: StateMap | number;
  /** Of an event beside the timeline. */
  readonly stored?: StoredState;
  /** Of an event that the timeline follows, once it is committed: the state at this position is the state after it. */
  position?: number;
}

/** What is known of a state that was read from the database. */
export type ReadState = { readonly stored: StoredState } | { readonly position: number };

const MAX_ENTRIES = 64;
/** Copies of the current state, kept for the events that followed it. */
const MAX_COPIES = 4;
/** Keys of all states that are held; a state of more keys is held alone. */
const MAX_HELD = 200_000;

/**
 * The states after the newest events of a room, so that servers that talk at the same time, and so fork the room all the time, cost no
 * queries. States of rooms are large and most events change nothing: events share one copy, made when it is first needed.
 */
export class RecentStates {
  private readonly entries = new Map<EventId, Entry>();
  private readonly copies = new Map<number, StateMap>();
  private version = 0;

  constructor(private readonly currentState: StateMap) {}

  /** The current state has changed: what was said of it holds for those before. */
  stateChanged(): void {
    this.version += 1;
  }

  /** An event has become the only tip: the current state is the state after it. */
  tookTip(eventId: EventId): void {
    this.add(eventId, { after: this.version });
  }

  /** An event beside the tip. */
  tookBranch(eventId: EventId, after: StateMap, stored: StoredState): void {
    this.add(eventId, { after, stored });
  }

  /** The state after an event has been read from the database. */
  read(eventId: EventId, after: StateMap, from: ReadState): void {
    this.add(eventId, { after, ...from });
  }

  /** The commit has given an event its position. */
  committed(eventId: EventId, position: number): void {
    const entry = this.entries.get(eventId);
    if (entry && !entry.stored) entry.position = position;
  }

  /** The events are no longer stored. */
  forget(eventIds: readonly EventId[]): void {
    for (const id of eventIds) this.entries.delete(id);
  }

  /** The state after an event; never changed by anybody. `undefined` when it is not known here. */
  after(eventId: EventId): StateMap | undefined {
    const after = this.entries.get(eventId)?.after;
    if (typeof after !== 'number') return after;
    return after === this.version ? this.current() : this.copies.get(after);
  }

  /** Where the state after an event can be found again, if that is known without waiting for a commit. */
  foundAt(eventId: EventId): ReadState | undefined {
    const entry = this.entries.get(eventId);
    if (entry?.stored) return { stored: entry.stored };
    return entry?.position === undefined ? undefined : { position: entry.position };
  }

  /** A copy of the current state that stays as it is; the same one until the state changes. */
  current(): StateMap {
    const known = this.copies.get(this.version);
    if (known) return known;
    const copy = new Map(this.currentState);
    this.copies.set(this.version, copy);
    this.trim();
    return copy;
  }

  /** Whether a state is the copy of the current one. */
  isCurrent(state: StateMap): boolean {
    return this.copies.get(this.version) === state;
  }

  /** Keys of all states that are held. */
  get held(): number {
    const states = new Set([...this.copies.values(), ...this.branchStates()]);
    return [...states].reduce((sum, { size }) => sum + size, 0);
  }

  private add(eventId: EventId, entry: Entry): void {
    this.entries.delete(eventId);
    this.entries.set(eventId, entry);
    this.trim();
  }

  private trim(): void {
    while (this.copies.size > MAX_COPIES) dropOldest(this.copies);
    while (this.entries.size > MAX_ENTRIES) dropOldest(this.entries);
    while (this.copies.size + this.entries.size > 2 && this.held > MAX_HELD) {
      if (this.copies.size > 1) dropOldest(this.copies);
      else dropOldest(this.entries);
    }
  }

  private *branchStates(): Iterable<StateMap> {
    for (const { after } of this.entries.values()) if (typeof after !== 'number') yield after;
  }
}

function dropOldest<Key>(map: Map<Key, unknown>): void {
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
