import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Benchmark } from './benchmark.js';
import { hottestFunctions } from './report/hottest.js';
import { machine } from './report/machine.js';
import { print } from './report/print.js';

export interface RunOptions {
  readonly quick: boolean;
  /** The folder for CPU profiles, if wanted. */
  readonly profile: string | undefined;
}

/** What is under way has to end before this process does. */
const steps: (() => unknown)[] = [];

/** Runs one benchmark, prints its figures, and stops whatever it started. */
export async function runBenchmark(benchmark: Benchmark, { quick, profile }: RunOptions): Promise<void> {
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
    print(benchmark, where, { figures, remarks });
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
