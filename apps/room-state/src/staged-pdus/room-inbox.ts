import type { EventId, ServerName } from '@atoll/matrix';

/** Events of one room whose predecessors are asked for at once. */
const MAX_ASKING = 20;
/** Of them, on account of one server: one that sends what nobody can place leaves the others theirs. */
const MAX_ASKING_FOR_ONE = 5;
const MAX_REMEMBERED = 1_000;
/** Parked rows are looked at again even when nothing tells that it helps. */
const LOOK_AGAIN_MS = 600_000;

/**
 * What the drain of one room leaves in the staging table for now, in the memory of the room's owner alone: whoever takes the room over
 * finds the rows and looks again.
 */
export class RoomInbox {
  private readonly asking = new Map<number, ServerName>();
  /** Rows that wait for events which have arrived but are not taken yet, or for their turn to ask. */
  private readonly parked = new Map<number, readonly EventId[]>();
  /** Rows whose next try has a time. */
  private readonly postponed = new Map<number, readonly EventId[]>();
  private lookedAt = Date.now();

  /** A drain begins. */
  open(): void {
    if (Date.now() - this.lookedAt < LOOK_AGAIN_MS) return;
    this.lookedAt = Date.now();
    this.parked.clear();
  }

  /** Whether a row is to be passed over. */
  has(stagedId: number): boolean {
    return this.asking.has(stagedId) || this.parked.has(stagedId);
  }

  /** So much waits that nothing more is remembered: what has to wait is given a time in the table. */
  get isFull(): boolean {
    return this.parked.size >= MAX_REMEMBERED;
  }

  get isEmpty(): boolean {
    return this.asking.size + this.parked.size + this.postponed.size === 0;
  }

  /** @param origin the server that sent the event */
  mayAsk(origin: ServerName): boolean {
    if (this.asking.size >= MAX_ASKING) return false;
    return [...this.asking.values()].filter((one) => one === origin).length < MAX_ASKING_FOR_ONE;
  }

  beginAsking(stagedId: number, origin: ServerName): void {
    this.asking.set(stagedId, origin);
  }

  /** Whatever came of it, the parked rows are worth another look. */
  endAsking(stagedId: number): void {
    this.asking.delete(stagedId);
    this.parked.clear();
  }

  park(stagedId: number, missing: readonly EventId[]): void {
    this.parked.set(stagedId, missing);
  }

  postpone(stagedId: number, missing: readonly EventId[]): void {
    if (this.postponed.size < MAX_REMEMBERED) this.postponed.set(stagedId, missing);
  }

  /** These rows are being taken or gone. */
  forget(stagedIds: readonly number[]): void {
    for (const id of stagedIds) this.postponed.delete(id);
  }

  /**
   * These events are no longer staged. When something waited for one of them, every parked row is worth another look.
   * @returns the postponed rows that waited for them; `undefined` when nothing did
   */
  arrived(eventIds: readonly EventId[]): number[] | undefined {
    const arrived = new Set(eventIds);
    const waitsForOne = (missing: readonly EventId[]) => missing.some((id) => arrived.has(id));
    const woken = Array.from(this.postponed).flatMap(([id, missing]) => (waitsForOne(missing) ? id : []));
    const isWaitedFor = woken.length > 0 || [...this.parked.values()].some(waitsForOne);
    if (!isWaitedFor) return undefined;
    this.parked.clear();
    this.forget(woken);
    return woken;
  }
}
