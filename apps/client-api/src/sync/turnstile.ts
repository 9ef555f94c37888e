/** Lets a few through at a time; the others stand in line, first come first served. */
export class Turnstile {
  private readonly line: (() => void)[] = [];
  private inside = 0;

  constructor(private readonly places: number) {}

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside < this.places) this.inside++;
    else {
      await new Promise<void>((resolve) => {
        this.line.push(resolve);
      });
    }
    try {
      return await work();
    } finally {
      // The place goes to the next in line, or becomes free.
      const next = this.line.shift();
      if (next) next();
      else this.inside--;
    }
  }
}
