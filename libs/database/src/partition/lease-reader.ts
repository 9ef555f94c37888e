import { type Kysely, sql } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

export interface PartitionRow {
  readonly partition: number;
  readonly owner: string | null;
  readonly epoch: number;
  /** The owner's membership has not expired, by the database's clock. */
  readonly ownerIsLive: boolean;
}

/** Who lives and who owns what, of one kind. */
export class LeaseReader {
  readonly #db: Kysely<DatabaseSchema>;

  constructor(
    database: { readonly db: Kysely<DatabaseSchema> },
    readonly kind: string,
  ) {
    this.#db = database.db;
  }

  /** Instances whose membership has not expired; those that leave are not counted. */
  async liveMembers(): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('members')
      .select('instance')
      .where('kind', '=', this.kind)
      .where('expires_at', '>', sql<Date>`clock_timestamp()`)
      .where('leaving', '=', false)
      .orderBy('instance')
      .execute();
    return rows.map(({ instance }) => instance);
  }

  async partitions(): Promise<PartitionRow[]> {
    const rows = await this.#db
      .selectFrom('partitions as p')
      .leftJoin('members as m', (join) =>
        join
          .onRef('m.kind', '=', 'p.kind')
          .onRef('m.instance', '=', 'p.owner')
          .on('m.expires_at', '>', sql<Date>`clock_timestamp()`),
      )
      .select(['p.partition', 'p.owner', 'p.epoch', 'm.instance as live'])
      .where('p.kind', '=', this.kind)
      .orderBy('p.partition')
      .execute();
    return rows.map(({ live, ...row }) => ({ ...row, ownerIsLive: live !== null }));
  }
}
