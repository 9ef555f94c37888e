/** Commands, for which somebody waits, and events of other servers, which wait in the database. */
export type Line = 'commands' | 'received';

/**
 * Lets one at a time have its turn. Each line keeps its order; the heads of the two lines go alternately, so that no command
 * waits behind a page of received events, nor those behind commands without end.
 */
export class TurnQueue {
  private readonly lines: Readonly<Record<Line, (() => Promise<void>)[]>> = { commands: [], received: [] };
  private last: Line = 'received';
  private isRunning = false;

  /** Runs `work` when it is its turn; never while another one runs. */
  run<T>(line: Line, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.lines[line].push(() => work().then(resolve, reject));
      if (!this.isRunning) void this.runAll();
    });
  }

  private async runAll(): Promise<void> {
    this.isRunning = true;
    for (let next = this.next(); next; next = this.next()) await next();
    this.isRunning = false;
  }

  private next(): (() => Promise<void>) | undefined {
    const other = this.last === 'commands' ? 'received' : 'commands';
    if (this.lines[other].length > 0) this.last = other;
    return this.lines[this.last].shift();
  }
}
