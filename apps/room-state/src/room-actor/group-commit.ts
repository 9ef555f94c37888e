import {
  type Interner,
  isCommitInDoubt,
  isRetryable,
  type NewRoom,
  NotOwnerError,
  type RoomCommit,
  type RoomTransactor,
} from '@atoll/database';
import type { EventId, ServerName } from '@atoll/matrix';
import { withSpan } from '@atoll/telemetry';
import { type Context, context, trace } from '@opentelemetry/api';
import type { PendingEvent } from './pending-event.js';
import { ActorDropped, type RoomActor } from './room-actor.js';
import { toRoomCommit } from './to-room-commit.js';

/** What one command writes: events of one room in their order, and the answer to give again. */
export interface CommitUnit {
  readonly actor: RoomActor;
  /** None: the command changes nothing, and only waits until that on which it decided is durable. */
  readonly events: readonly PendingEvent[];
  /** The room's forward extremities and depth once these events are in. */
  readonly extremities: ReadonlyMap<EventId, number>;
  readonly depth: number;
  readonly newRoom?: NewRoom;
  /** It writes thousands of rows, on top of an actor that has nothing else uncommitted. */
  readonly isLarge?: boolean;
  readonly commandResult?: { key: string; result: unknown };
}

interface Waiting extends CommitUnit {
  /** The trace of the command. */
  readonly trace: Context;
  resolve(): void;
  reject(error: unknown): void;
}

/** What one transaction wrote. `last` is the position of its newest accepted event; `undefined` without any. */
export interface Committed {
  readonly units: readonly CommitUnit[];
  readonly events: number;
  readonly accepted: number;
  readonly last: number | undefined;
  readonly seconds: number;
}

export interface GroupCommitObserver {
  /** Called once per transaction, as its commands are answered. */
  committed(committed: Committed): void;
  /** Nothing of this was written, and nothing may be built on it: its actor must go. */
  undone(unit: CommitUnit): void;
  /** A transaction failed for good; called once, after its units were undone. */
  failed(error: unknown): void;
  /** The connection broke during a COMMIT, or again while the database was asked what became of it. */
  inDoubt(error: unknown): void;
}

const MAX_EVENTS_PER_COMMIT = 1000;
/** Of JSON, which is made in one turn of the event loop. */
const MAX_BYTES_PER_COMMIT = 4 * 1024 * 1024;
const LOOK_UP_PAUSE_MS = 250;

/**
 * One transaction at a time for all its rooms: while one is in flight, the next batch gathers, so that batches
 * grow with the load and an idle server waits for nobody. A transaction that fails because of one unit is split until
 * that unit stands alone; the others do not notice.
 */
export class GroupCommit {
  private queue: Waiting[] = [];
  private running = false;

  constructor(
    private readonly transactor: RoomTransactor,
    private readonly interner: Interner,
    private readonly serverName: ServerName,
    private readonly observer: GroupCommitObserver,
  ) {}

  /** Resolves when the unit, and all that was enqueued before it, is durable; rejects when nothing of it was written. */
  enqueue(unit: CommitUnit): Promise<void> {
    return new Promise((resolve, reject) => {
      this.queue.push({ ...unit, trace: context.active(), resolve, reject });
      if (!this.running) void this.run();
    });
  }

  get depth(): number {
    return this.queue.length;
  }

  private async run(): Promise<void> {
    this.running = true;
    // Commands that arrived in the same turn of the event loop share the first batch.
    await new Promise(setImmediate);
    while (this.queue.length > 0) {
      const batch = this.takeBatch();
      try {
        await this.commitNext(batch);
      } catch (error) {
        // Whatever this is, it must not be the end of all commits. Those that are answered already stay so.
        for (const unit of batch) unit.reject(error);
      }
    }
    this.running = false;
  }

  private takeBatch(): Waiting[] {
    let events = 0;
    let bytes = 0;
    let units = 0;
    for (const unit of this.queue) {
      events += unit.events.length;
      for (const { event } of unit.events) bytes += event.bytes;
      if (units > 0 && (events > MAX_EVENTS_PER_COMMIT || bytes > MAX_BYTES_PER_COMMIT)) break;
      units += 1;
    }
    return this.queue.splice(0, units);
  }

  /** The commit belongs to the trace of its first command and is linked to those of the others. */
  private commitNext(units: readonly Waiting[]): Promise<void> {
    const [parent = context.active(), ...others] = units.map((unit) => unit.trace);
    const links = others
      .flatMap((other) => trace.getSpanContext(other) ?? [])
      .map((span) => ({ context: span }));
    return withSpan('commit', { 'atoll.units': units.length }, () => this.settle(units), { parent, links });
  }

  private async settle(units: readonly Waiting[]): Promise<void> {
    // Built on something that failed or went to another owner after they had decided.
    this.undo(
      units.filter(({ actor }) => actor.dropped),
      new ActorDropped(),
    );
    const live = units.filter(({ actor }) => !actor.dropped);
    if (live.length === 0) return;
    let committed: Committed;
    try {
      committed = await this.write(live);
    } catch (error) {
      await this.settleFailed(live, error);
      return;
    }
    settlePositions(committed);
    for (const unit of live) unit.resolve();
    if (committed.events > 0) this.observer.committed(committed);
  }

  private async settleFailed(units: readonly Waiting[], error: unknown): Promise<void> {
    const isLost = lostBy(error);
    const lost = units.filter(({ actor }) => isLost(actor.partition));
    if (lost.length > 0 && lost.length < units.length) {
      this.fail(lost, error);
      await this.settle(units.filter((unit) => !lost.includes(unit)));
      return;
    }
    const passes = isRetryable(error) || isCommitInDoubt(error) || error instanceof NotOwnerError;
    if (units.length === 1 || passes) {
      this.fail(units, error);
      return;
    }
    const middle = units.length >> 1;
    await this.settle(units.slice(0, middle));
    await this.settle(units.slice(middle));
  }

  private async write(units: readonly Waiting[]): Promise<Committed> {
    const started = performance.now();
    const batch = await toRoomCommit(units, this.interner, this.serverName);
    const last = batch.events.length > 0 ? await this.commitOrLookUp(batch) : undefined;
    const accepted = batch.events.filter(({ inTimeline }) => inTimeline).length;
    const seconds = (performance.now() - started) / 1000;
    return { units, events: batch.events.length, accepted, last, seconds };
  }

  private async commitOrLookUp(batch: RoomCommit): Promise<number | undefined> {
    try {
      return await this.transactor.commit(batch);
    } catch (error) {
      if (!isCommitInDoubt(error)) throw error;
      this.observer.inDoubt(error);
      const outcome = await this.lookUp(batch);
      if (!outcome.committed) throw error;
      return outcome.lastPosition;
    }
  }

  /** Asks until the database answers: no room of the batch may go on before its doubt is settled. */
  private async lookUp(batch: RoomCommit): Promise<{ committed: boolean; lastPosition: number | undefined }> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.transactor.wasCommitted(batch);
      } catch (error) {
        if (tries === 1) this.observer.inDoubt(error);
        await new Promise((resolve) => setTimeout(resolve, LOOK_UP_PAUSE_MS));
      }
    }
  }

  private fail(units: readonly Waiting[], error: unknown): void {
    this.undo(units, error);
    this.observer.failed(error);
  }

  private undo(units: readonly Waiting[], error: unknown): void {
    for (const unit of units) {
      // On what changes nothing nothing was built, and another commit of its room, apart from these, may be on its way.
      if (unit.events.length > 0) this.observer.undone(unit);
      unit.reject(error);
    }
  }
}

function lostBy(error: unknown): (partition: number) => boolean {
  const lost = new Set(error instanceof NotOwnerError ? error.lost.map(({ partition }) => partition) : []);
  return (partition) => lost.has(partition);
}

function settlePositions({ units, last, accepted }: Committed): void {
  let position = last === undefined ? 0 : last - accepted;
  for (const unit of units) {
    const inTimeline = unit.events.filter((event) => event.inTimeline).length;
    position += inTimeline;
    unit.actor.committed(unit.events, inTimeline > 0 ? position : undefined);
  }
}
