import {
  EVENT_STATUS,
  isCommitInDoubt,
  NotOwnerError,
  type EventCommit,
  type NewRoom,
  type RoomCommit,
  type RoomTransactor,
} from '@atoll/database';
import type { EventId } from '@atoll/matrix';
import { withSpan } from '@atoll/telemetry';
import { type Context, context, trace } from '@opentelemetry/api';
import type { PendingEvent } from './pending-event.js';
import type { RoomActor } from './room-actor.js';

/** What one command writes: events of one room in their order, and the answer to give again. */
export interface CommitUnit {
  readonly actor: RoomActor;
  readonly events: readonly PendingEvent[];
  /** The room's forward extremities and depth once these events are in. */
  readonly extremities: ReadonlyMap<EventId, number>;
  readonly depth: number;
  readonly newRoom?: NewRoom;
  readonly commandResult?: { key: string; result: unknown };
}

interface Waiting extends CommitUnit {
  /** The trace of the command. */
  readonly trace: Context;
  resolve(): void;
  reject(error: unknown): void;
}

export interface GroupCommitObserver {
  /** Events from..to are visible; called once per commit, before its commands are answered. */
  committed(from: number, to: number, events: number, seconds: number): void;
  /** All actors of the batch are to be dropped: nothing was written. */
  failed(actors: ReadonlySet<RoomActor>, error: unknown): void;
}

const MAX_EVENTS_PER_COMMIT = 1000;
const LOOK_UP_PAUSE_MS = 250;
const VERDICT_STATUS = {
  accepted: EVENT_STATUS.accepted,
  'soft-failed': EVENT_STATUS.softFailed,
  rejected: EVENT_STATUS.rejected,
} as const;

/**
 * One transaction at a time for all rooms of the process: while one is in flight, the next batch gathers, so that batches
 * grow with the load and an idle server waits for nobody. A batch succeeds or fails as a whole.
 */
export class GroupCommit {
  private queue: Waiting[] = [];
  private running = false;
  /** After an error that one unit must have caused, units go one by one until this many have passed. */
  private alone = 0;

  constructor(
    private readonly transactor: RoomTransactor,
    private readonly observer: GroupCommitObserver,
  ) {}

  /** Resolves when the unit is durable; rejects when its batch failed, whatever the reason. */
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
    while (this.queue.length > 0) await this.commitNext(this.takeBatch());
    this.running = false;
  }

  private takeBatch(): Waiting[] {
    if (this.alone > 0) {
      this.alone -= 1;
      return this.queue.splice(0, 1);
    }
    let events = 0;
    let units = 0;
    for (const unit of this.queue) {
      events += unit.events.length;
      if (units > 0 && events > MAX_EVENTS_PER_COMMIT) break;
      units += 1;
    }
    return this.queue.splice(0, units);
  }

  /** The commit belongs to the trace of its first command and is linked to those of the others. */
  private commitNext(units: Waiting[]): Promise<void> {
    const [parent = context.active(), ...others] = units.map((unit) => unit.trace);
    const links = others
      .flatMap((other) => trace.getSpanContext(other) ?? [])
      .map((span) => ({ context: span }));
    return withSpan('commit', { 'atoll.units': units.length }, () => this.settle(units), { parent, links });
  }

  private async settle(units: Waiting[]): Promise<void> {
    const started = performance.now();
    try {
      const batch = await toCommit(units);
      const last = await this.commitOrLookUp(batch);
      const accepted = batch.events.filter((event) => event.status === EVENT_STATUS.accepted);
      settlePositions(units, last, accepted.length);
      if (last !== undefined) {
        const seconds = (performance.now() - started) / 1000;
        this.observer.committed(last - accepted.length + 1, last, batch.events.length, seconds);
      }
      for (const unit of units) unit.resolve();
    } catch (error) {
      this.fail(units, error);
    }
  }

  private async commitOrLookUp(batch: RoomCommit): Promise<number | undefined> {
    try {
      return await this.transactor.commit(batch);
    } catch (error) {
      if (!isCommitInDoubt(error)) throw error;
      const outcome = await this.lookUp(batch);
      if (!outcome.committed) throw error;
      return outcome.lastPosition;
    }
  }

  /** Asks until the database answers: no room of the batch may go on before its doubt is settled. */
  private async lookUp(batch: RoomCommit): Promise<{ committed: boolean; lastPosition: number | undefined }> {
    for (;;) {
      try {
        return await this.transactor.wasCommitted(batch);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, LOOK_UP_PAUSE_MS));
      }
    }
  }

  /** Fails the batch, and what waits for the same rooms: it was built on the failed events. */
  private fail(units: Waiting[], error: unknown): void {
    const actors = new Set(units.map((unit) => unit.actor));
    if (units.length > 1 && !(error instanceof NotOwnerError))
      this.alone = Math.max(this.alone, units.length);
    this.observer.failed(actors, error);
    const builtOnThem = this.queue.filter((unit) => actors.has(unit.actor));
    this.queue = this.queue.filter((unit) => !actors.has(unit.actor));
    for (const unit of [...units, ...builtOnThem]) unit.reject(error);
  }
}

function settlePositions(units: readonly CommitUnit[], last: number | undefined, accepted: number): void {
  let position = last === undefined ? 0 : last - accepted;
  for (const unit of units) {
    const inTimeline = unit.events.filter((event) => event.verdict === 'accepted').length;
    position += inTimeline;
    unit.actor.committed(unit.events.length, inTimeline > 0 ? position : undefined);
  }
}

async function toCommit(units: readonly CommitUnit[]): Promise<RoomCommit> {
  const fences = new Map<string, { partition: number; epoch: number }>();
  const heads = new Map<number, RoomCommit['heads'][number]>();
  const events: Promise<EventCommit>[] = [];
  for (const { actor, extremities, depth, ...unit } of units) {
    fences.set(`${actor.partition},${actor.epoch}`, { partition: actor.partition, epoch: actor.epoch });
    heads.set(actor.roomNid, { roomNid: actor.roomNid, extremities: [...extremities.values()], depth });
    for (const pending of unit.events) events.push(toEventCommit(actor.roomNid, pending));
  }
  return {
    fences: [...fences.values()],
    newRooms: units.flatMap((unit) => unit.newRoom ?? []),
    events: await Promise.all(events),
    heads: [...heads.values()],
    commandResults: units.flatMap((unit) => unit.commandResult ?? []),
  };
}

async function toEventCommit(roomNid: number, pending: PendingEvent): Promise<EventCommit> {
  const { event, edits } = pending;
  const pdu = await pending.signed;
  return {
    eventNid: event.eventNid,
    eventId: event.eventId,
    roomNid,
    typeNid: pending.typeNid,
    stateKeyNid: pending.stateKeyNid,
    senderNid: pending.senderNid,
    depth: pdu.depth,
    originServerTs: pdu.origin_server_ts,
    status: VERDICT_STATUS[pending.verdict],
    problem: pending.problem,
    json: JSON.stringify(pdu),
    stateChanges: edits.map(({ typeNid, stateKeyNid, eventNid }) => ({ typeNid, stateKeyNid, eventNid })),
    membershipChanges: edits.flatMap((edit) =>
      edit.membership && edit.eventNid !== null
        ? [{ userNid: edit.stateKeyNid, membership: edit.membership, eventNid: edit.eventNid }]
        : [],
    ),
    ...(pending.state && { state: pending.state }),
    ...(pending.transaction && { transaction: pending.transaction }),
    ...(pending.redactsNid !== undefined && { redactsNid: pending.redactsNid }),
    ...(pending.reset && { reset: pending.reset }),
  };
}
