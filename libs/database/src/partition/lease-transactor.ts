import { type Kysely, sql } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { Fence } from './fence-partitions.js';

/** The writes of one instance's membership and ownership, of one kind. Times are the database's clock. */
export class LeaseTransactor {
  readonly #db: Kysely<DatabaseSchema>;

  constructor(
    database: { readonly db: Kysely<DatabaseSchema> },
    readonly kind: string,
    readonly instance: string,
  ) {
    this.#db = database.db;
  }

  /** Makes the rows of partitions 0 to `count` - 1 that do not exist yet; forgets members that expired an hour ago. */
  async prepare(count: number): Promise<void> {
    await sql`INSERT INTO partitions (kind, partition) SELECT ${this.kind}, generate_series(0, ${count}::int - 1)
      ON CONFLICT DO NOTHING`.execute(this.#db);
    await this.#db
      .deleteFrom('members')
      .where('kind', '=', this.kind)
      .where('expires_at', '<', sql<Date>`clock_timestamp() - interval '1 hour'`)
      .execute();
  }

  /** Extends the membership to `lifeMs` from now. */
  async renew(lifeMs: number, leaving: boolean): Promise<void> {
    const expires_at = sql<Date>`clock_timestamp() + ${lifeMs} * interval '1 millisecond'`;
    await this.#db
      .insertInto('members')
      .values({ kind: this.kind, instance: this.instance, expires_at, leaving })
      .onConflict((conflict) => conflict.columns(['kind', 'instance']).doUpdateSet({ expires_at, leaving }))
      .execute();
  }

  async leave(): Promise<void> {
    await this.#db
      .deleteFrom('members')
      .where('kind', '=', this.kind)
      .where('instance', '=', this.instance)
      .execute();
  }

  /**
   * Takes those of `partitions` that have no live owner, or are ours from a life that this process does not remember. Rows that
   * somebody has locked are passed over: an owner frozen inside a commit must not hold up the rest.
   *
   * @returns what was taken, with the new epochs
   */
  async claim(partitions: readonly number[]): Promise<Fence[]> {
    const { rows } = await sql<Fence>`
      WITH free AS (
        SELECT p.partition FROM partitions p
        WHERE p.kind = ${this.kind} AND p.partition = ANY (${partitions}::int[])
          AND (p.owner IS NULL OR p.owner = ${this.instance} OR NOT EXISTS (
            SELECT FROM members m
            WHERE m.kind = p.kind AND m.instance = p.owner AND m.expires_at > clock_timestamp()))
        ORDER BY p.partition
        FOR UPDATE SKIP LOCKED)
      UPDATE partitions p SET owner = ${this.instance}, epoch = p.epoch + 1
      FROM free WHERE p.kind = ${this.kind} AND p.partition = free.partition
      RETURNING p.partition, p.epoch`.execute(this.#db);
    return rows;
  }

  /** Gives up partitions of exactly these epochs; waits for commits that hold their fence. */
  async release(owned: readonly Fence[]): Promise<void> {
    if (owned.length === 0) return;
    await sql`
      UPDATE partitions p SET owner = NULL
      FROM unnest(${owned.map(({ partition }) => partition)}::int[], ${owned.map(({ epoch }) => epoch)}::bigint[])
        AS owned(partition, epoch)
      WHERE p.kind = ${this.kind} AND p.owner = ${this.instance}
        AND p.partition = owned.partition AND p.epoch = owned.epoch`.execute(this.#db);
  }

  /**
   * Ends the transactions that instances left open when they froze. Only of instances that are not live in any kind, and only
   * sessions from before they expired: an instance of the same name that starts again is spared.
   *
   * @returns how many sessions were ended
   */
  async endTransactionsOfExpired(): Promise<number> {
    const { rows } = await sql`
      SELECT pg_terminate_backend(a.pid) FROM members m JOIN pg_stat_activity a ON a.application_name = m.instance
      WHERE m.kind = ${this.kind} AND m.expires_at < clock_timestamp() AND m.instance <> ${this.instance}
        AND a.datname = current_database() AND a.usename = current_user
        AND a.xact_start IS NOT NULL AND a.backend_start < m.expires_at
        AND NOT EXISTS (
          SELECT FROM members o WHERE o.instance = m.instance AND o.expires_at > clock_timestamp())`.execute(
      this.#db,
    );
    return rows.length;
  }
}
