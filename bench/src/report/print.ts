import type { Benchmark, Figure } from '../benchmark.js';
import { median } from '../measure/spread.js';
import type { Machine } from './machine.js';
import { markdownTable } from './table.js';

export interface Outcome {
  readonly figures: readonly Figure[];
  readonly remarks: readonly string[];
}

/** Writes what docs/benchmarks.md takes over, and then the same in one line of JSON for programs. */
export function print({ name, title }: Benchmark, machine: Machine, { figures, remarks }: Outcome): void {
  const { date, processor, memoryGiB, kernel, node, loadBefore } = machine;
  const where = `${date}; ${processor}, ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}; load before ${loadBefore}`;
  const lines = [`## ${name}: ${title}`, '', markdownTable(figures), '', where];
  if (remarks.length > 0) lines.push('', ...remarks.map((remark) => `- ${remark}`));
  const line = {
    benchmark: name,
    machine,
    remarks,
    figures: figures.map(({ what, unit, passes, goal }) => ({
      what,
      unit,
      median: median(passes),
      passes,
      ...(goal && { goal: goal.text, reached: goal.reached(median(passes)) }),
    })),
  };
  process.stdout.write(`\n${lines.join('\n')}\n\n${JSON.stringify(line)}\n`);
}
