/** One SRV record, named as `node:dns` names its fields. */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/**
 * The order in which to try SRV records: by priority, and within one by chance in proportion to weight.
 * @param random 0 ≤ x < 1
 * @see https://www.rfc-editor.org/rfc/rfc2782 under "Weight"
 */
export function orderSrvRecords(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  // Records without weight stand first, so that they have a small chance.
  const left = records.toSorted((a, b) => a.priority - b.priority || a.weight - b.weight);
  const ordered: SrvRecord[] = [];
  while (left[0] !== undefined) {
    const { priority } = left[0];
    const ofPriority = left.filter((record) => record.priority === priority);
    const [chosen] = left.splice(weightedIndex(ofPriority, random), 1);
    if (chosen !== undefined) ordered.push(chosen);
  }
  return ordered;
}

function weightedIndex(records: readonly SrvRecord[], random: () => number): number {
  const total = records.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = Math.floor(random() * (total + 1));
  let sum = 0;
  return Math.max(
    records.findIndex(({ weight }) => (sum += weight) >= drawn),
    0,
  );
}
