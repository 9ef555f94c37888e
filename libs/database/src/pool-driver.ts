import { CompiledQuery, type Driver, type TransactionSettings } from 'kysely';
import type pg from 'pg';
import { acquireClient } from './acquire-client.js';
import { PoolConnection } from './pool-connection.js';
import { PreparedStatements } from './prepared-statements.js';

/**
 * Kysely's driver over a pg pool. Beyond Kysely's own: a typed error when no connection can be had, a typed error when a commit
 * is in doubt, closing statements that travel to the server in one message with COMMIT, and prepared statements.
 */
export class PoolDriver implements Driver {
  readonly #pool: pg.Pool;
  readonly #prepared = new PreparedStatements();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  async acquireConnection(): Promise<PoolConnection> {
    return new PoolConnection(await acquireClient(this.#pool), this.#prepared);
  }

  async beginTransaction(connection: PoolConnection, settings: TransactionSettings): Promise<void> {
    const isolation = settings.isolationLevel ? ` isolation level ${settings.isolationLevel}` : '';
    const access = settings.accessMode ? ` ${settings.accessMode}` : '';
    await connection.executeQuery(CompiledQuery.raw(`start transaction${isolation}${access}`));
  }

  commitTransaction(connection: PoolConnection): Promise<void> {
    return connection.commit();
  }

  /** Never fails, so that it hides no error: a connection that cannot roll back is closed, which does the same. */
  async rollbackTransaction(connection: PoolConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    } catch {
      connection.discard();
    }
  }

  releaseConnection(connection: PoolConnection): Promise<void> {
    connection.release();
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    return this.#pool.end();
  }
}
