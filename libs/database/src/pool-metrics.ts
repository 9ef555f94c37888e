import { observableGauge } from '@atoll/telemetry';
import type pg from 'pg';

/**
 * Shows how busy a pool is: who waits for a connection is slow for no reason of its own.
 *
 * @returns a function that ends the observation
 */
export function observePool(name: string, pool: pg.Pool): () => void {
  const stops = [
    observableGauge(
      'atoll_database_pool_waiting',
      'Requests that wait for a database connection',
      (result) => {
        result.observe(pool.waitingCount, { pool: name });
      },
    ),
    observableGauge('atoll_database_pool_in_use', 'Database connections in use', (result) => {
      result.observe(pool.totalCount - pool.idleCount, { pool: name });
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
