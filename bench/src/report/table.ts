import type { Figure } from '../benchmark.js';
import { median } from '../measure/spread.js';

/** The figures of a benchmark as a Markdown table, as docs/benchmarks.md holds it. */
export function markdownTable(figures: readonly Figure[]): string {
  const rows = [
    ['what', 'median', 'spread', 'passes', 'goal', 'reached'],
    ['---', '---:', '---:', '---:', '---', '---'],
    ...figures.map(row),
  ];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function row({ what, unit, passes, goal }: Figure): string[] {
  const middle = median(passes);
  const spread = passes.length > 1 ? `${rounded(Math.min(...passes))}–${rounded(Math.max(...passes))}` : '';
  const reached = goal ? (goal.reached(middle) ? 'yes' : '**no**') : '';
  return [
    what,
    `${rounded(middle)} ${unit}`.trim(),
    spread,
    String(passes.length),
    goal?.text ?? '',
    reached,
  ];
}

/** Three significant digits, whole numbers from 100 on. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '?';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}
