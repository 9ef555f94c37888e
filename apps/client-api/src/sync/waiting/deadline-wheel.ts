const TICK_MS = 100;

/**
 * Deadlines of many waiting things behind one interval, which runs only while there are any: each is a member of the set of its
 * tick. They come due up to one tick late, never early.
 */
export class DeadlineWheel<T> {
  private readonly ticks = new Map<number, Set<T>>();
  private interval: NodeJS.Timeout | undefined;
  private last = 0;

  constructor(
    private readonly onDue: (item: T) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @returns what {@link remove} needs */
  add(item: T, deadline: number): number {
    if (this.interval === undefined) {
      this.last = Math.floor(this.now() / TICK_MS);
      this.interval = setInterval(() => {
        this.turn();
      }, TICK_MS);
    }
    const tick = Math.max(Math.ceil(deadline / TICK_MS), this.last + 1);
    const due = this.ticks.get(tick);
    if (due) due.add(item);
    else this.ticks.set(tick, new Set([item]));
    return tick;
  }

  remove(item: T, tick: number): void {
    const due = this.ticks.get(tick);
    due?.delete(item);
    if (due?.size === 0) this.ticks.delete(tick);
    this.rest();
  }

  /** Hands out what is due by now. */
  turn(): void {
    const current = Math.floor(this.now() / TICK_MS);
    while (this.last < current) {
      this.last++;
      const due = this.ticks.get(this.last);
      this.ticks.delete(this.last);
      due?.forEach(this.onDue);
    }
    this.rest();
  }

  private rest(): void {
    if (this.ticks.size > 0) return;
    clearInterval(this.interval);
    this.interval = undefined;
  }
}
