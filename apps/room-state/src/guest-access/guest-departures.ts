import type { GuestReader } from '@atoll/database';
import type { RoomId } from '@atoll/matrix';
import { RepeatedWork } from '@atoll/service';
import { type Logger, logError } from '@atoll/telemetry';
import { slicesOf } from '../outliers/slices-of.js';
import type { CommitUnit } from '../room-actor/group-commit.js';
import type { PendingEvent } from '../room-actor/pending-event.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import type { RoomRegistry } from '../room-actor/room-registry.js';
import type { MemberDeparture } from '../room-jobs/member-departure.js';
import { isLostOwnership } from '../staged-pdus/room-drain.js';

/** Seldom, for it looks at all guests: with 100,000 of them it took two seconds. */
const SWEEP_MS = 300_000;
/** Rooms beyond these are found by the next sweep. */
const MAX_ROOMS = 1_000;
/** Guests of one room who are looked up at once, and who leave at once. */
const GUESTS = 200;
const GUESTS_AT_ONCE = 20;

/**
 * Makes guests leave rooms that no longer let them in. Which those are is read off what is stored, so that nothing is lost with a process:
 * a room is looked at when its state may have changed so, and all of them from time to time.
 * @see https://spec.matrix.org/v1.19/client-server-api/#guest-access
 */
export class GuestDepartures {
  private readonly waiting = new Set<RoomId>();
  private departure: MemberDeparture | undefined;
  private running: Promise<void> | undefined;
  private isStopped = false;
  private readonly sweeps: RepeatedWork;

  constructor(
    private readonly reader: GuestReader,
    private readonly registry: RoomRegistry,
    private readonly logger: Logger,
  ) {
    this.sweeps = new RepeatedWork({
      everyMs: SWEEP_MS,
      work: () => this.sweep(),
      logger,
      failure: 'Rooms that guests must leave were not looked for',
    });
  }

  /** @param departure stands on the rooms, whose commits are told of here */
  start(departure: MemberDeparture): void {
    this.departure = departure;
    this.sweeps.start();
  }

  /** Resolves when the leaves in hand are done; whoever owns the rooms next goes on. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.sweeps.stop();
    await this.running;
  }

  /** Told of every commit. */
  committed(units: readonly CommitUnit[]): void {
    for (const { actor, events } of units) {
      if (events.some((event) => mayEndAccess(actor, event))) this.wake(actor.roomId);
    }
  }

  /** Looks at all rooms of this instance. */
  async sweep(): Promise<void> {
    for (const roomId of await this.reader.roomsToLeave(this.registry.ownedPartitions(), MAX_ROOMS)) {
      this.wake(roomId);
    }
  }

  private wake(roomId: RoomId): void {
    if (this.waiting.size < MAX_ROOMS) this.waiting.add(roomId);
    this.begin();
  }

  private begin(): void {
    if (!this.departure || this.isStopped || this.waiting.size === 0) return;
    this.running ??= this.run(this.departure).finally(() => {
      this.running = undefined;
      this.begin();
    });
  }

  private async run(departure: MemberDeparture): Promise<void> {
    for (const roomId of this.waiting) {
      this.waiting.delete(roomId);
      try {
        await this.empty(roomId, departure);
      } catch (error) {
        if (!isLostOwnership(error))
          logError(this.logger, error, 'Guests did not leave a room; a sweep tries again');
      }
    }
  }

  private async empty(roomId: RoomId, departure: MemberDeparture): Promise<void> {
    let behind = 0;
    while (!this.isStopped) {
      const guests = await this.reader.guestsToLeave(roomId, behind, GUESTS);
      const last = guests.at(-1);
      if (!last) return;
      for await (const some of slicesOf(guests, GUESTS_AT_ONCE)) {
        const fence = this.registry.ownership(roomId);
        await Promise.all(some.map(({ userId }) => departure.leave(roomId, userId, fence)));
      }
      behind = last.userNid;
    }
  }
}

/** Whether the event sets guest access, other than to let guests in, as every new private room does, or redacts what it is. */
function mayEndAccess(actor: RoomActor, { event: { eventId, pdu }, edits }: PendingEvent): boolean {
  const edit = edits.find(({ type }) => type === 'm.room.guest_access');
  if (edit) return edit.eventId !== eventId || pdu.content['guest_access'] !== 'can_join';
  if (pdu.type !== 'm.room.redaction') return false;
  const current = actor.stateEventId('m.room.guest_access', '');
  return current !== undefined && [pdu.redacts, pdu.content['redacts']].includes(current);
}
