import { type EventId, forbidden, type Pdu, type RoomId } from '@atoll/matrix';
import { type RoomVersionRules, type StateKey, stateKey } from '@atoll/room-rules';
import type { KnownEvent, PendingEvent } from './pending-event.js';
import { RecentStates } from './recent-states.js';
import { type Line, TurnQueue } from './turn-queue.js';

/** Thrown to a command whose actor was dropped (a failed commit, a lost partition): it starts again on a fresh one. */
export class ActorDropped extends Error {
  override readonly name = 'ActorDropped';

  constructor(options?: ErrorOptions) {
    super('the room was dropped from memory', options);
  }
}

export const roomBlocked = () => forbidden('This room is blocked on this server');

/** Rough memory of one entry of the state map: key, event id, table. */
const BYTES_PER_STATE_ENTRY = 300;
/** Its texts are those of the state. */
const BYTES_PER_COPIED_ENTRY = 60;
const BYTES_PER_ACTOR = 2_000;

/**
 * One room in memory: its current state as event ids, its forward extremities, and a queue that lets one command at
 * a time decide. The state runs ahead of the database by the events that wait for their commit; when a commit fails,
 * the actor is dropped with everything that was built on it.
 */
export class RoomActor {
  private readonly turns = new TurnQueue();
  private readonly uncommitted = new Set<KnownEvent>();
  /** The states after the newest events. */
  readonly recent: RecentStates;
  private whenDrained: (() => void)[] = [];
  dropped = false;

  constructor(
    readonly roomId: RoomId,
    readonly roomNid: number,
    readonly rules: RoomVersionRules,
    readonly partition: number,
    /** The epoch under which the room was loaded: what its commits are fenced with. */
    readonly epoch: number,
    readonly state: Map<StateKey, EventId>,
    /** Forward extremities with their numbers. */
    public extremities: ReadonlyMap<EventId, number>,
    /** Greatest depth among the room's events. */
    public depth: number,
    /** Position of the newest committed event. */
    public lastPosition: number,
    /** An administrator has closed it: local users can do nothing in it but leave. */
    readonly isBlocked = false,
  ) {
    this.recent = new RecentStates(state);
  }

  /** Runs `decide` when it is its turn; never while another one runs. */
  exclusive<T>(line: Line, decide: () => Promise<T>): Promise<T> {
    return this.turns.run(line, async () => {
      if (this.dropped) throw new ActorDropped();
      return decide();
    });
  }

  stateEventId(type: string, key: string): EventId | undefined {
    return this.state.get(stateKey(type, key));
  }

  /** Whether an administrator has closed the room to such an event. Everybody may leave, and be made to. */
  isClosedTo({ type, content }: Pdu): boolean {
    return this.isBlocked && !(type === 'm.room.member' && content['membership'] === 'leave');
  }

  /**
   * Takes an event into memory: those that follow build on it before it is committed.
   * @throws ActorDropped, MatrixError 403 when the room is closed to it
   */
  take(pending: PendingEvent, extremities: ReadonlyMap<EventId, number>): void {
    if (this.dropped) throw new ActorDropped();
    if (this.isClosedTo(pending.event.pdu)) throw roomBlocked();
    this.uncommitted.add(pending.event);
    if (!pending.inTimeline) return;
    for (const edit of [...(pending.seed ?? []), ...pending.edits]) {
      const key = stateKey(edit.type, edit.stateKey);
      if (edit.eventId === null) this.state.delete(key);
      else this.state.set(key, edit.eventId);
    }
    const hasChanged = pending.edits.length > 0 || (pending.seed?.length ?? 0) > 0;
    if (hasChanged) this.recent.stateChanged();
    if (pending.verdict === 'accepted' && !pending.state) this.recent.tookTip(pending.event.eventId);
    this.extremities = extremities;
    this.depth = Math.max(this.depth, Math.min(pending.event.pdu.depth, Number.MAX_SAFE_INTEGER));
  }

  /** Told by the commit: these events of this room are durable, the newest at `position`. */
  committed(events: readonly PendingEvent[], position: number | undefined): void {
    for (const { event } of events) this.uncommitted.delete(event);
    const placed = events.filter(({ inTimeline }) => inTimeline);
    placed.forEach(({ event }, index) => {
      this.recent.committed(event.eventId, (position ?? 0) - (placed.length - 1 - index));
    });
    if (position !== undefined) this.lastPosition = Math.max(this.lastPosition, position);
    if (this.uncommitted.size === 0) for (const tell of this.whenDrained.splice(0)) tell();
  }

  /** Resolves when every event in memory is committed; rejects when the actor is dropped meanwhile. */
  async drained(): Promise<void> {
    if (this.uncommitted.size > 0 && !this.dropped)
      await new Promise<void>((resolve) => this.whenDrained.push(resolve));
    if (this.dropped) throw new ActorDropped();
  }

  /** Makes what waits on it fail; returns the events that were never committed as far as it knows. */
  drop(): KnownEvent[] {
    this.dropped = true;
    for (const tell of this.whenDrained.splice(0)) tell();
    return [...this.uncommitted];
  }

  get hasUncommitted(): boolean {
    return this.uncommitted.size > 0;
  }

  /** Approximate memory, in bytes. */
  get bytes(): number {
    const ofRecent = this.recent.held * BYTES_PER_COPIED_ENTRY;
    return BYTES_PER_ACTOR + this.state.size * BYTES_PER_STATE_ENTRY + ofRecent;
  }
}
