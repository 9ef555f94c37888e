import type { ConnectedConfig } from '@atoll/config';
import { ensureInstallation, migrateToLatest, openDatabase } from '@atoll/database';

/** Brings the schema up to date before any service starts. */
export async function migrate(config: ConnectedConfig): Promise<void> {
  const database = openDatabase({
    url: config.databaseUrl,
    poolSize: 2,
    applicationName: `migrate-${process.pid}`,
    statementTimeoutMs: 0,
  });
  try {
    await migrateToLatest(database.db);
    await ensureInstallation(database.db, config);
  } finally {
    await database.close();
  }
}
