import { ensureInstallation, migrateToLatest } from '@atoll/database';
import { print } from './output.js';
import { withDatabase } from './with-database.js';

export async function migrate(): Promise<void> {
  await withDatabase(async (database, config) => {
    const { applied } = await migrateToLatest(database.db);
    await ensureInstallation(database.db, config);
    for (const name of applied) print(`applied ${name}`);
    print(applied.length === 0 ? 'the schema was current' : 'the schema is current');
  });
}
