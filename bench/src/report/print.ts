import type { Benchmark, Figure } from '../benchmark.js';
import { median } from '../measure/spread.js';
import type { Machine } from './machine.js';
import { markdownTable } from './table.js';

export interface Outcome {
  readonly figures: readonly Figure[];
  readonly remarks: readonly string[];
}

/** The table, where it was taken, and remarks: what docs/benchmarks.md holds of a benchmark. */
export function markdown(machine: Machine, { figures, remarks }: Outcome): string {
  const { date, processor, memoryGiB, kernel, node, loadBefore } = machine;
  const where = `${date}; ${processor}, ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}; load before ${loadBefore}`;
  const lines = [markdownTable(figures), '', where];
  if (remarks.length > 0) lines.push('', ...remarks.map((remark) => `- ${remark}`));
  return lines.join('\n');
}

/** The same in one line of JSON, for programs. */
export function jsonLine({ name }: Benchmark, machine: Machine, { figures, remarks }: Outcome): string {
  return JSON.stringify({
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
  });
}
