/** Live instances, by kind (`room-state`, `push`, …). Times are the database's clock. */
export interface MembersTable {
  kind: string;
  instance: string;
  expires_at: Date;
  leaving: boolean;
}

/** Who owns a partition. The epoch rises with each change of owner and never falls. */
export interface PartitionsTable {
  kind: string;
  partition: number;
  owner: string | null;
  epoch: number;
}
