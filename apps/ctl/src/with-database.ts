import { join } from 'node:path';
import { type Config, loadConfig } from '@atoll/config';
import { type Database, openDatabase } from '@atoll/database';
import { readServerRecord, startPostgres } from '@atoll/embedded';

/**
 * Runs a command with the configured database: the one that a URL names, else the embedded one of the data folder, which
 * is started for the time of the command when Atoll does not run.
 */
export async function withDatabase<T>(work: (database: Database, config: Config) => Promise<T>): Promise<T> {
  const config = loadConfig();
  const postgres = await findPostgres(config);
  const database = openDatabase({
    url: postgres.url,
    poolSize: 2,
    applicationName: `ctl-${process.pid}`,
    statementTimeoutMs: 0,
  });
  try {
    return await work(database, config);
  } finally {
    await database.close();
    await postgres.stop();
  }
}

async function findPostgres(config: Config): Promise<{ url: string; stop(): Promise<void> }> {
  const keep = () => Promise.resolve();
  if (config.databaseUrl) return { url: config.databaseUrl, stop: keep };
  const dataDir = join(config.dataDir, 'postgres');
  const record = await readServerRecord(dataDir);
  if (record) return { url: record.url, stop: keep };
  const server = await startPostgres({ dataDir, persistent: true });
  return { url: await server.createDatabase('atoll'), stop: () => server.stop() };
}
