import type { PoolClient } from 'pg';
import { acquireClient } from '../acquire-client.js';
import type { Database } from '../open-database.js';
import { commitFailure } from '../database-errors.js';
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
      // Waited for, before the rest goes out at once: who looks up a commit in doubt relies on the locks of the fence.
      await this.begin(client, batch.fences);
      return await finish(client, batch);
    } catch (error) {
      // Not rolled back but closed: of statements sent together, some may be prepared and some not.
      broken = error instanceof Error ? error : new Error('the commit failed');
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
        .select(['event_nid', 'status'])
        .where('event_nid', 'in', nids)
        .execute();
      // An outlier that was to become more is there in any case.
      const statuses = new Map(batch.events.map(({ eventNid, status }) => [eventNid, status]));
      const committed = stored.some(({ event_nid, status }) => statuses.get(event_nid) === status);
      const { last } = await trx
        .selectFrom('event_positions')
        .select(({ fn }) => fn.max<number | null>('position').as('last'))
        .where('event_nid', 'in', nids)
        .where('position', '>', 0)
        .executeTakeFirstOrThrow();
      return { committed, lastPosition: last ?? undefined };
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

/**
 * Sends the rest of the transaction in one go, where the connection pipelines; each statement after one that failed fails
 * too, COMMIT among them.
 */
async function finish(client: PoolClient, batch: RoomCommit): Promise<number | undefined> {
  const heavy = heavyStatements(batch).map(({ name, text, values }) => client.query({ name, text, values }));
  const closing = client.query(laneStatements(batch)) as unknown as Promise<LaneResult[] | LaneResult>;
  const [last, ...rest] = (await Promise.allSettled([closing, ...heavy])) as [
    PromiseSettledResult<LaneResult[] | LaneResult>,
    ...PromiseSettledResult<unknown>[],
  ];
  // The first to fail is the cause; the closing statements were sent last.
  for (const result of [...rest, last]) if (result.status === 'rejected') throw commitFailure(result.reason);
  const results = last.status === 'fulfilled' ? [last.value].flat() : [];
  return results.find(({ rows }) => rows[0]?.last_position !== undefined)?.rows[0]?.last_position;
}

interface LaneResult {
  rows: { last_position?: number }[];
}
