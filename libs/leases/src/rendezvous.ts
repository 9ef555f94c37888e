import { hash } from 'node:crypto';

/**
 * The partitions that `instance` should own: each goes to the member with the highest hash of (member, partition). All members compute
 * the same; when one comes or goes only its own partitions move.
 */
export function targetPartitions(
  instance: string,
  members: readonly string[],
  count: number,
): ReadonlySet<number> {
  const targets = new Set<number>();
  if (!members.includes(instance)) return targets;
  const others = members.filter((member) => member !== instance);
  for (let partition = 0; partition < count; partition++) {
    const own = weight(instance, partition);
    if (others.every((other) => weight(other, partition) < own)) targets.add(partition);
  }
  return targets;
}

function weight(member: string, partition: number): string {
  return hash('sha256', `${member}/${partition}`);
}
