import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const FILE = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url));

/** Replaces the figures of a benchmark in docs/benchmarks.md. @throws Error when it has no place there */
export async function writeIntoDocument(benchmark: string, figures: string): Promise<void> {
  const before = await readFile(FILE, 'utf8');
  const [start, end] = [`<!-- figures of ${benchmark} -->`, `<!-- end of ${benchmark} -->`];
  const [from, to] = [before.indexOf(start), before.indexOf(end)];
  if (from < 0 || to < 0) throw new Error(`docs/benchmarks.md has no place for the figures of ${benchmark}`);
  const after = `${before.slice(0, from)}${start}\n\n${figures}\n\n${before.slice(to)}`;
  await writeFile(FILE, await format(after, { ...(await resolveConfig(FILE)), filepath: FILE }));
}
