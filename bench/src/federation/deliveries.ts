import type { ReceivedPdus } from './many-destinations.js';

/** Which event has arrived where, and when it was everywhere. Events are numbered by the beginning of their text. */
export class Deliveries {
  private readonly seen = new Map<string, Set<number>>();
  /** Of each event, how many destinations lack it. */
  private readonly lacking: Uint16Array;
  private readonly everywhereAt: Float64Array;
  /** Events × destinations. */
  delivered = 0;
  transactions = 0;
  doubled = 0;

  constructor(
    destinations: number,
    readonly events: number,
  ) {
    this.lacking = new Uint16Array(events).fill(destinations);
    this.everywhereAt = new Float64Array(events);
  }

  /** The text of an event. */
  static textOf(event: number, filler: string): string {
    return `${event} ${filler}`;
  }

  note({ destination, bodies }: ReceivedPdus): void {
    const seen = this.seen.get(destination) ?? new Set();
    this.seen.set(destination, seen);
    this.transactions += 1;
    for (const body of bodies) this.noteEvent(seen, Number.parseInt(body, 10));
  }

  /** Whether every destination has the events below a number. */
  areComplete(below = this.events): boolean {
    return this.lacking.subarray(0, below).every((count) => count === 0);
  }

  /** When the last destination had the event, by `performance.now()`; 0 while one has it not. */
  completeAt(event: number): number {
    return this.everywhereAt[event] ?? 0;
  }

  /** Events × destinations that have not come. */
  get missing(): number {
    return this.lacking.reduce((sum, count) => sum + count, 0);
  }

  private noteEvent(seen: Set<number>, event: number): void {
    if (seen.has(event)) {
      this.doubled += 1;
      return;
    }
    seen.add(event);
    this.delivered += 1;
    const lacking = (this.lacking[event] ?? 0) - 1;
    this.lacking[event] = lacking;
    if (lacking === 0) this.everywhereAt[event] = performance.now();
  }
}
