import {
  NotOwnerError,
  type StagedPdu,
  type StagedPduReader,
  type StagedPduTransactor,
} from '@atoll/database';
import { authEventIds, type EventId, MatrixError, prevEventIds, type RoomId } from '@atoll/matrix';
import { NotOwner } from '@atoll/redis-streams';
import type { RoomVersionRules } from '@atoll/room-rules';
import { readCheckedPdu, type ReceivedEvent } from '@atoll/server-keys';
import { type Logger, logError } from '@atoll/telemetry';
import type { PduAcceptance, PduResult } from '../accept-pdus/pdu-acceptance.js';
import type { MissingEvents } from '../missing-events/missing-events.js';
import { byEventId, citedFirst } from '../outliers/cited-first.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { PolicySignatures } from '../policy-server/policy-signatures.js';
import type { RoomCommands } from '../room-actor/room-commands.js';
import { isGivenUp, pauseAfter } from './retry-policy.js';
import type { RoomInbox } from './room-inbox.js';
import { observeOutcome } from './staged-pdu-metrics.js';

const PAGE = 100;
/** Events are parsed and hashed so many in a turn of the event loop. */
const SLICE = 10;
const ACCEPT_MS = 30_000;

type Missing = Extract<PduResult, { outcome: 'missing-events' }>;
type Row = ReceivedEvent & { readonly row: StagedPdu };

/** A room that is drained, and how to have it drained once more. */
export interface DrainedRoom {
  readonly roomId: RoomId;
  readonly partition: number;
  readonly inbox: RoomInbox;
  /** False when the room is about to go to another owner, or the process ends. */
  isOurs(): boolean;
  again(): void;
}

export function isLostOwnership(error: unknown): boolean {
  return error instanceof NotOwner || error instanceof NotOwnerError;
}

/**
 * Takes the staged events of a room. A row goes when its event is durable or refused for good, never before: what a crash leaves between
 * is found to be a duplicate.
 */
export class RoomDrain {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly acceptance: PduAcceptance,
    private readonly missing: MissingEvents,
    private readonly events: EventCache,
    private readonly reader: StagedPduReader,
    private readonly transactor: StagedPduTransactor,
    private readonly policySignatures: PolicySignatures,
    private readonly logger: Logger,
  ) {}

  /**
   * Reads the room's rows once from the first to the last, page by page. All events of a page join the room's queue together, so that
   * their commits are few. What misses others is left to {@link MissingEvents}, for which nothing here waits.
   * @throws NotOwner, NotOwnerError
   */
  async drain(room: DrainedRoom): Promise<void> {
    const rules = await this.rooms.rulesOf(room.roomId, Date.now() + ACCEPT_MS);
    room.inbox.open();
    let after = 0;
    while (room.isOurs()) {
      const page = await this.reader.next(room, after, Date.now(), PAGE);
      const last = page.at(-1);
      if (!last) return;
      await this.takePage(
        room,
        rules,
        page.filter(({ stagedId }) => !room.inbox.has(stagedId)),
      );
      if (page.length < PAGE) return;
      after = last.stagedId;
    }
  }

  private async takePage(
    room: DrainedRoom,
    rules: RoomVersionRules | undefined,
    page: readonly StagedPdu[],
  ): Promise<void> {
    room.inbox.forget(page.map(({ stagedId }) => stagedId));
    const read = rules ? await this.read(page, rules) : [];
    const received = await this.policySignatures.complete(room.roomId, read);
    const known = await this.lookUp(received);
    const ordered = await citedFirst(byEventId(received), prevEventIds);
    const outcomes = await Promise.all(
      ordered.map(async (one) => {
        return { one, result: await this.accept(room, one, !known.has(one.event.eventId)) };
      }),
    );
    const unreadable = page.filter(({ stagedId }) => !received.some(({ row }) => row.stagedId === stagedId));
    unreadable.forEach(() => {
      observeOutcome('refused');
    });
    const done = outcomes.flatMap(({ one, result }) => {
      if (result === undefined || result.outcome === 'missing-events') return [];
      observeOutcome(result.outcome);
      return one.row;
    });
    await this.finish(room, [...unreadable, ...done]);
    await this.wait(
      room,
      outcomes.flatMap(({ one, result }) =>
        result?.outcome === 'missing-events' ? { one, missing: result } : [],
      ),
    );
  }

  private async read(page: readonly StagedPdu[], rules: RoomVersionRules): Promise<Row[]> {
    const received: Row[] = [];
    for (const [index, row] of page.entries()) {
      if (index % SLICE === SLICE - 1) await new Promise(setImmediate);
      const checked = readCheckedPdu(row.json, rules);
      if ('event' in checked) received.push({ ...checked, row });
    }
    return received;
  }

  /** One query for all that the page cites, so that the room's turns find it in memory. @returns what is known of it */
  private lookUp(page: readonly Row[]): Promise<ReadonlyMap<EventId, unknown>> {
    const ids = page.flatMap(({ event: { eventId, pdu } }) => [
      eventId,
      ...prevEventIds(pdu),
      ...authEventIds(pdu),
    ]);
    return this.events.load([...new Set(ids)]);
  }

  /** `undefined` when it did not work out, for no fault of the event: it stays where it is. */
  private async accept(room: DrainedRoom, one: Row, isNew: boolean): Promise<PduResult | undefined> {
    try {
      return await this.acceptance.accept(room.roomId, one, Date.now() + ACCEPT_MS, { isNew });
    } catch (error) {
      if (isLostOwnership(error)) throw error;
      if (error instanceof MatrixError) return undefined;
      await this.postpone(room, one, []);
      logError(this.logger, error, 'An event of another server could not be judged; it waits');
      return undefined;
    }
  }

  private async finish(room: DrainedRoom, rows: readonly StagedPdu[]): Promise<void> {
    if (rows.length === 0) return;
    await this.transactor.delete(rows.map(({ stagedId }) => stagedId));
    await this.wake(
      room,
      rows.map(({ eventId }) => eventId),
    );
  }

  private async wake(room: DrainedRoom, arrived: readonly EventId[]): Promise<void> {
    const woken = room.inbox.arrived(arrived);
    if (woken === undefined) return;
    if (woken.length > 0) await this.transactor.retryNow(woken);
    room.again();
  }

  /** Only what no staged event can bring is asked for. */
  private async wait(
    room: DrainedRoom,
    waiting: readonly { readonly one: Row; readonly missing: Missing }[],
  ): Promise<void> {
    if (waiting.length === 0) return;
    const wanted = waiting.flatMap(({ missing }) => idsOf(missing));
    const staged = await this.reader.staged(room.roomId, [...new Set(wanted)]);
    for (const { one, missing } of waiting) {
      const ids = idsOf(missing);
      if (isGivenUp(one.row)) await this.giveUp(room, one);
      else if (ids.some((id) => !staged.has(id)) && room.inbox.mayAsk(one.row.origin))
        this.ask(room, one, missing);
      else if (room.inbox.isFull) await this.postpone(room, one, ids);
      else room.inbox.park(one.row.stagedId, ids);
    }
  }

  private ask(room: DrainedRoom, one: Row, missing: Missing): void {
    const { stagedId, origin } = one.row;
    room.inbox.beginAsking(stagedId, origin);
    this.missing
      .bring(room.roomId, one, one.row, missing)
      .then(async ({ result, taken }) => {
        await this.wake(room, taken);
        if (result.outcome === 'missing-events') return this.postpone(room, one, idsOf(result));
        observeOutcome(result.outcome);
        return this.finish(room, [one.row]);
      })
      .catch(async (error: unknown) => {
        if (isLostOwnership(error)) return;
        logError(this.logger, error, 'What an event misses could not be brought; it waits');
        await this.postpone(room, one, idsOf(missing));
      })
      .catch((error: unknown) => {
        logError(this.logger, error, 'An event that waits could not be put off');
      })
      .finally(() => {
        room.inbox.endAsking(stagedId);
        room.again();
      });
  }

  private async postpone(room: DrainedRoom, { row }: Row, missing: readonly EventId[]): Promise<void> {
    room.inbox.postpone(row.stagedId, missing);
    await this.transactor.postpone(row.stagedId, Date.now() + pauseAfter(row.tries));
  }

  private async giveUp(room: DrainedRoom, { row }: Row): Promise<void> {
    const { eventId, origin } = row;
    this.logger.warn(
      { roomId: room.roomId, eventId, origin },
      'An event is given up: nobody has what it misses',
    );
    observeOutcome('given-up');
    await this.finish(room, [row]);
  }
}

function idsOf({ missingPrev, missingAuth }: Missing): EventId[] {
  return [...missingPrev, ...missingAuth];
}
