import { assertSchemaIsCurrent, PartitionReader } from '@atoll/database';
import { print, printTable } from './output.js';
import { withDatabase } from './with-database.js';

/** Lists owners by kind; a partition whose owner is not alive counts as unowned. */
export async function listPartitions(): Promise<void> {
  await withDatabase(async (database) => {
    await assertSchemaIsCurrent(database.db);
    const owners = await new PartitionReader(database).owners();
    const rows = owners.map(({ kind, owner, alive, partitions, maxEpoch }) => [
      kind,
      owner ?? '(nobody)',
      owner === null || !alive ? 'UNOWNED' : 'alive',
      String(partitions.length),
      String(maxEpoch),
      ranges(partitions),
    ]);
    if (rows.length === 0) print('no partitions yet: no service has run');
    else printTable(['KIND', 'OWNER', 'STATE', 'COUNT', 'MAX EPOCH', 'PARTITIONS'], rows);
  });
}

/** `[0, 1, 2, 5]` → `0-2,5` */
export function ranges(sorted: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const number of sorted) {
    const last = parts.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}
