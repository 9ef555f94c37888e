import { describe, expect, it } from '@jest/globals';
import { targetPartitions } from './rendezvous.js';

const COUNT = 128;

describe('rendezvous targets', () => {
  const members = ['a', 'b', 'c'];

  it('give every partition to exactly one member', () => {
    const all = members.flatMap((member) => [...targetPartitions(member, members, COUNT)]);
    expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  });

  it('move only the partitions of the member that goes', () => {
    for (const stays of ['a', 'b']) {
      const before = targetPartitions(stays, members, COUNT);
      const after = targetPartitions(stays, ['a', 'b'], COUNT);
      expect([...before].filter((partition) => !after.has(partition))).toEqual([]);
    }
  });

  it('give nothing to an instance that is no member', () => {
    expect(targetPartitions('d', members, COUNT).size).toBe(0);
  });
});
