/** What a figure is compared with. */
export interface Goal {
  readonly text: string;
  reached(median: number): boolean;
}

/** One row of a benchmark's table: the same quantity, measured once in each pass. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly passes: readonly number[];
  readonly goal?: Goal;
}

/** What a benchmark gets from the one who runs it. */
export interface Bench {
  /** `full`, or with `--quick` the other: shorter, for looking whether the benchmark works. */
  pick<Value>(full: Value, quick: Value): Value;
  /** Runs when the benchmark has ended, whatever way; the last one first. */
  atEnd(step: () => unknown): void;
  /** Tells what is going on. */
  progress(line: string): void;
  /** Puts a sentence under the table. */
  remark(sentence: string): void;
  /** With `--profile`: where started Node.js processes leave CPU profiles. */
  readonly profileDir: string | undefined;
}

export interface Benchmark {
  /** As on the command line. */
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<Figure[]>;
}

export function atLeast(bound: number, text: string): Goal {
  return { text, reached: (median) => median >= bound };
}

export function below(bound: number, text: string): Goal {
  return { text, reached: (median) => median < bound };
}
