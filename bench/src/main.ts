import { parseArgs } from 'node:util';
import { benchmarks } from './benchmarks.js';
import { runBenchmark, stopEverything } from './run-benchmark.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    profile: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter((name) => !benchmarks.some((one) => one.name === name));
if (unknown.length > 0) {
  const names = benchmarks.map(({ name }) => name).join(' ');
  process.stderr.write(`no benchmark ${unknown.join(', ')}; there are: ${names}\n`);
  process.exit(64);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopEverything().finally(() => process.exit(130)));
}
for (const benchmark of benchmarks) {
  if (positionals.length > 0 && !positionals.includes(benchmark.name)) continue;
  try {
    await runBenchmark(benchmark, { quick: values.quick, profile: values.profile, write: values.write });
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(
      `${benchmark.name} failed: ${error instanceof Error ? (error.stack ?? '') : String(error)}\n`,
    );
  }
}
process.exit();
