import { sql } from 'kysely';
import type { Database } from '../open-database.js';

/** What one instance, or nobody, owns of one kind. */
export interface PartitionOwner {
  readonly kind: string;
  readonly owner: string | null;
  /** Whether the owner's membership has not expired. */
  readonly alive: boolean;
  /** Ascending. */
  readonly partitions: number[];
  readonly maxEpoch: number;
}

/** Reads who owns what, for people and alerts; services follow `@atoll/leases`. */
export class PartitionReader {
  constructor(private readonly database: Database) {}

  /** By kind, nobody's first. */
  async owners(): Promise<PartitionOwner[]> {
    const rows = await this.database.db
      .selectFrom('partitions as p')
      .leftJoin('members as m', (join) =>
        join.onRef('m.kind', '=', 'p.kind').onRef('m.instance', '=', 'p.owner'),
      )
      .select(({ fn }) => [
        'p.kind',
        'p.owner',
        sql<boolean>`coalesce(m.expires_at > clock_timestamp(), false)`.as('alive'),
        sql<number[]>`array_agg(p.partition ORDER BY p.partition)`.as('partitions'),
        fn.max('p.epoch').as('max_epoch'),
      ])
      .groupBy(['p.kind', 'p.owner', 'm.expires_at'])
      .orderBy('p.kind')
      .orderBy('p.owner', (order) => order.asc().nullsFirst())
      .execute();
    return rows.map(({ kind, owner, alive, partitions, max_epoch }) => {
      return { kind, owner, alive, partitions, maxEpoch: max_epoch };
    });
  }
}
