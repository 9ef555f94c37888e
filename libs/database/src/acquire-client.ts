import type pg from 'pg';
import { DatabaseUnavailable } from './database-errors.js';

/**
 * A connection of the pool; call `release()` on it.
 *
 * @throws {@link DatabaseUnavailable} when none can be had within the pool's acquire time.
 */
export async function acquireClient(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw new DatabaseUnavailable('no database connection', { cause: error });
  }
}
