import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Benchmark } from './benchmark.js';
import { hottestFunctions } from './report/hottest.js';
import { machine } from './report/machine.js';
import { writeIntoDocument } from './report/document.js';
import { jsonLine, markdown } from './report/print.js';

export interface RunOptions {
  readonly quick: boolean;
  /** The folder for CPU profiles, if wanted. */
  readonly profile: string | undefined;
  /** Also puts the figures into docs/benchmarks.md. */
  readonly write: boolean;
}

/** What is under way has to end before this process does. */
const steps: (() => unknown)[] = [];

/** Runs one benchmark, prints its figures, and stops whatever it started. */
export async function runBenchmark(
  benchmark: Benchmark,
  { quick, profile, write }: RunOptions,
): Promise<void> {
  const remarks = quick ? ['Taken with `--quick`: too short to be quoted.'] : [];
  const where = machine();
  const profileDir = profile === undefined ? undefined : join(profile, benchmark.name);
  if (profileDir !== undefined) mkdirSync(profileDir, { recursive: true });
  const bench: Bench = {
    profileDir,
    pick: (full, short) => (quick ? short : full),
    atEnd: (step) => steps.push(step),
    progress: (line) => process.stderr.write(`${benchmark.name}: ${line}\n`),
    remark: (sentence) => remarks.push(sentence),
  };
  try {
    const figures = await benchmark.run(bench);
    const outcome = { figures, remarks };
    const text = markdown(where, outcome);
    const heading = `## ${benchmark.name}: ${benchmark.title}`;
    process.stdout.write(`\n${heading}\n\n${text}\n\n${jsonLine(benchmark, where, outcome)}\n`);
    if (write) await writeIntoDocument(benchmark.name, text);
  } finally {
    await stopEverything();
  }
  if (profileDir !== undefined && readdirSync(profileDir).length > 0) {
    process.stdout.write(`\n${hottestFunctions(profileDir, 40)}\n`);
  }
}

/** Runs all steps even when some fail. @throws the first failure */
export async function stopEverything(): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps.splice(0).reverse()) {
    await Promise.resolve()
      .then(step)
      .catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}
