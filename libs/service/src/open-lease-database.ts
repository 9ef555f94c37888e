import { type Database, openDatabase } from '@atoll/database';
import type { Connections } from './open-connections.js';

/** A small pool for leases alone: heartbeats that queue behind other work cost the lease. */
export function openLeaseDatabase({ config, instance, logger }: Omit<Connections, 'database'>): Database {
  return openDatabase({
    url: config.databaseUrl,
    poolSize: 2,
    applicationName: instance,
    statementTimeoutMs: 2000,
    onIdleError: (error) => {
      logger.warn({ err: error }, 'A database connection for leases broke');
    },
  });
}
