import type { Kysely, Transaction } from 'kysely';
import { ClosingStatements } from './closing-statements.js';
import { asNotOwner } from './partition/fence-partitions.js';
import { PoolConnection } from './pool-connection.js';
import type { DatabaseSchema } from './schema/database-schema.js';

/**
 * Runs a transaction that writes to durable streams. `work` does what is heavy and says what closes the transaction; fences, lanes, thin
 * rows and COMMIT then go to the server in one message, so that a client that stops holds no lane.
 *
 * @throws NotOwnerError when a fence refused, CommitInDoubt when the outcome is unknown
 */
export async function commitInLanes<T>(
  db: Kysely<DatabaseSchema>,
  work: (trx: Transaction<DatabaseSchema>, closing: ClosingStatements) => Promise<T> | T,
): Promise<T> {
  try {
    return await db.transaction().execute(async (trx) => {
      const closing = new ClosingStatements();
      const result = await work(trx, closing);
      const statements = closing.toStatements();
      await closeWith(trx, {
        statements,
        done: (answers) => {
          closing.readAnswers(answers);
        },
      });
      return result;
    });
  } catch (error) {
    throw asNotOwner(error);
  }
}

function closeWith(
  trx: Transaction<DatabaseSchema>,
  closing: Parameters<PoolConnection['closeWith']>[0],
): Promise<void> {
  return trx.getExecutor().provideConnection((connection) => {
    if (!(connection instanceof PoolConnection)) throw new Error('the transaction is not of openDatabase');
    connection.closeWith(closing);
    return Promise.resolve();
  });
}
