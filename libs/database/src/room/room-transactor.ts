import type { PoolClient } from 'pg';
import { acquireClient } from '../acquire-client.js';
import type { Database } from '../open-database.js';
import { commitFailure, isCommitInDoubt } from '../database-errors.js';
import { asNotOwner, type Fence, fenceStatement } from '../partition/fence-partitions.js';
import { heavyStatements, laneStatements } from './commit-statements.js';
import type { RoomCommit } from './room-commit.js';

const NIDS_PER_BLOCK = 1000;

/** The only writer of events and room state: one transaction per call, fenced by the epochs of its partitions. */
export class RoomTransactor {
  private nextNid = 0;
  private lastNid = -1;
  private block: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly instance: string,
  ) {}

  /**
   * Commits a batch and returns the position of its last accepted event; accepted events have consecutive positions
   * in the order given. `undefined` when no event was accepted.
   * @throws NotOwnerError when a fence does not hold: nothing was written.
   * @throws CommitInDoubt when the connection broke while committing: ask {@link wasCommitted}.
   */
  async commit(batch: RoomCommit): Promise<number | undefined> {
    const client = await acquireClient(this.database.pool);
    let broken: Error | undefined;
    try {
      await this.begin(client, batch.fences);
      for (const { name, text, values } of heavyStatements(batch)) await client.query({ name, text, values });
      return await this.finish(client, batch);
    } catch (error) {
      broken = await rollback(client, error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  private async begin(client: PoolClient, fences: readonly Fence[]): Promise<void> {
    try {
      await client.query(`BEGIN; ${fenceStatement('room-state', this.instance, fences)}`);
    } catch (error) {
      throw asNotOwner(error);
    }
  }

  private async finish(client: PoolClient, batch: RoomCommit): Promise<number | undefined> {
    try {
      const results = (await client.query(laneStatements(batch))) as unknown as
        { rows: { last_position?: number }[] }[] | { rows: { last_position?: number }[] };
      return [results].flat().find(({ rows }) => rows[0]?.last_position !== undefined)?.rows[0]
        ?.last_position;
    } catch (error) {
      throw commitFailure(error);
    }
  }

  /**
   * Says what became of a commit in doubt. Locking the fenced partitions first waits until the server has ended the
   * doubtful transaction, which holds them; only then is its absence final.
   */
  async wasCommitted(batch: RoomCommit): Promise<{ committed: boolean; lastPosition: number | undefined }> {
    const nids = batch.events.map((event) => event.eventNid);
    return this.database.db.transaction().execute(async (trx) => {
      await trx
        .selectFrom('partitions')
        .select('partition')
        .where('kind', '=', 'room-state')
        .where(
          'partition',
          'in',
          batch.fences.map((fence) => fence.partition),
        )
        .orderBy('partition')
        .forUpdate()
        .execute();
      const stored = await trx
        .selectFrom('events')
        .select('event_nid')
        .where('event_nid', 'in', nids)
        .executeTakeFirst();
      const { last } = await trx
        .selectFrom('event_positions')
        .select(({ fn }) => fn.max<number | null>('position').as('last'))
        .where('event_nid', 'in', nids)
        .executeTakeFirstOrThrow();
      return { committed: stored !== undefined, lastPosition: last ?? undefined };
    });
  }

  /** Reserves an event nid, from blocks of 1,000 so that most calls cost nothing. */
  async reserveEventNid(): Promise<number> {
    while (this.nextNid > this.lastNid) {
      this.block ??= this.fetchBlock().finally(() => (this.block = undefined));
      await this.block;
    }
    return this.nextNid++;
  }

  private async fetchBlock(): Promise<void> {
    const { rows } = await this.database.pool.query<{ nid: number }>("SELECT nextval('event_nids') AS nid");
    this.nextNid = rows[0]?.nid ?? 0;
    this.lastNid = this.nextNid + NIDS_PER_BLOCK - 1;
  }

  /** Reserves the internal number of a room that is about to be created. */
  async reserveRoomNid(): Promise<number> {
    const { rows } = await this.database.pool.query<{ nid: number }>(
      "SELECT nextval(pg_get_serial_sequence('rooms', 'room_nid')) AS nid",
    );
    return rows[0]?.nid ?? 0;
  }

  /** Forgets command results older than `maxAgeMs`: no caller repeats a command that long after its deadline. */
  async deleteOldCommandResults(maxAgeMs: number): Promise<number> {
    const { numDeletedRows } = await this.database.db
      .deleteFrom('command_results')
      .where('created_at', '<', new Date(Date.now() - maxAgeMs))
      .executeTakeFirst();
    return Number(numDeletedRows);
  }
}

/** Ends the transaction; returns the error when the connection can no longer be used. */
async function rollback(client: PoolClient, cause: unknown): Promise<Error | undefined> {
  if (isCommitInDoubt(cause)) return cause;
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error('rollback failed');
  }
}
