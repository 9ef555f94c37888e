import { type Kysely, sql } from 'kysely';
import pg from 'pg';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** SQLSTATE raised by `fence_partitions`, see migration 0001. */
const NOT_OWNED = 'AT001';

export interface Fence {
  readonly partition: number;
  readonly epoch: number;
}

/** What the database says about a partition that was thought to be ours; no owner and no epoch when it does not exist. */
export interface LostPartition {
  readonly partition: number;
  readonly owner: string | null;
  readonly epoch: number | null;
}

/** A commit was refused, because partitions it touches belong to another instance or epoch. Nothing was written. */
export class NotOwnerError extends Error {
  override readonly name = 'NotOwnerError';

  constructor(
    readonly lost: readonly LostPartition[],
    options?: ErrorOptions,
  ) {
    super(`not the owner of partitions ${lost.map(({ partition }) => partition).join(', ')}`, options);
  }
}

/**
 * Makes a commit conditional on owning its partitions. Locks their rows in share mode until the transaction ends: commits of
 * the same owner do not wait for each other, a takeover waits for (or skips) them.
 *
 * @param session the open transaction
 * @throws {@link NotOwnerError}
 */
export async function fencePartitions(
  session: Kysely<DatabaseSchema> | pg.ClientBase,
  kind: string,
  instance: string,
  fences: readonly Fence[],
): Promise<void> {
  if (fences.length === 0) return;
  try {
    if ('query' in session) await session.query(fenceStatement(kind, instance, fences));
    else {
      const partitions = fences.map(({ partition }) => partition);
      const epochs = fences.map(({ epoch }) => epoch);
      await sql`SELECT fence_partitions(${kind}, ${instance}, ${partitions}, ${epochs})`.execute(session);
    }
  } catch (error) {
    throw asNotOwner(error);
  }
}

/** The same as one statement without parameters, to be sent in one message with others; see {@link asNotOwner}. */
export function fenceStatement(kind: string, instance: string, fences: readonly Fence[]): string {
  const partitions = fences.map(({ partition }) => partition).join();
  const epochs = fences.map(({ epoch }) => epoch).join();
  return `SELECT fence_partitions(${pg.escapeLiteral(kind)}, ${pg.escapeLiteral(instance)}, '{${partitions}}', '{${epochs}}')`;
}

/** Turns PostgreSQL's refusal by {@link fenceStatement} into {@link NotOwnerError}; leaves other errors as they are. */
export function asNotOwner(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError) || error.code !== NOT_OWNED) return error;
  return new NotOwnerError(JSON.parse(error.detail ?? '[]') as LostPartition[], { cause: error });
}
