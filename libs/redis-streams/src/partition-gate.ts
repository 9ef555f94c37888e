/** What an instance knows of a partition: that it owns it at this epoch, or who does as far as it knows. */
export type Ownership = { owned: true } | { owned: false; owner?: string; epoch?: number };

/** Asked before a command reaches its handler; a gate, not the fence: the fence is in the commit. */
export interface PartitionGate {
  check(partition: number, epoch: number): Ownership;
}

/** Where a caller learns which instance owns a partition. */
export interface OwnerResolver {
  /** The owner as far as is known now; undefined while nobody owns the partition. */
  ownerOf(partition: number): Promise<{ instance: string; epoch: number } | undefined>;
  /** The owner did not answer as an owner: look again before the next answer. */
  forget(partition: number): void;
  /** An instance told who the owner is. */
  learn(partition: number, owner: string, epoch: number): void;
}
