import type { OwnerResolver, PartitionGate } from '../partition-gate.js';

interface Owner {
  readonly instance: string;
  readonly epoch: number;
}

/** Who really owns each partition; gives every instance its gate. */
export class Ownership {
  private readonly owners = new Map<number, Owner>();

  move(partition: number, instance: string): void {
    this.owners.set(partition, { instance, epoch: (this.owners.get(partition)?.epoch ?? 0) + 1 });
  }

  ownerOf(partition: number): Owner | undefined {
    return this.owners.get(partition);
  }

  gate(instance: string): PartitionGate {
    return {
      check: (partition) => {
        const owner = this.owners.get(partition);
        if (owner?.instance === instance) return { owned: true };
        return owner ? { owned: false, owner: owner.instance, epoch: owner.epoch } : { owned: false };
      },
    };
  }
}

/** A caller's map as leases keep it: it may be out of date until it is told to look again. */
export class CachedOwners implements OwnerResolver {
  readonly learnt: string[] = [];
  private readonly cache = new Map<number, Owner>();

  constructor(private readonly ownership: Ownership) {}

  ownerOf(partition: number): Promise<Owner | undefined> {
    const owner = this.cache.get(partition) ?? this.ownership.ownerOf(partition);
    if (owner) this.cache.set(partition, owner);
    return Promise.resolve(owner);
  }

  forget(partition: number): void {
    this.cache.delete(partition);
  }

  learn(partition: number, instance: string, epoch: number): void {
    this.learnt.push(instance);
    this.cache.set(partition, { instance, epoch });
  }
}
