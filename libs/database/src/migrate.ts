import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from './migrations/index.js';
import type { DatabaseSchema } from './schema/database-schema.js';

/** A migration failed; all of this run's changes were undone. */
export class MigrationFailed extends Error {
  override readonly name = 'MigrationFailed';
}

/** The database lacks migrations that this release needs. */
export class SchemaOutdated extends Error {
  override readonly name = 'SchemaOutdated';
}

/**
 * Brings the schema up to this release, in one transaction, under an advisory lock: any number of processes may start at once.
 * Does nothing on a schema that is newer. Use a database opened with `statementTimeoutMs: 0`, since an index may take long.
 *
 * @returns the names of the migrations that this call applied.
 * @throws {@link MigrationFailed}
 */
export async function migrateToLatest(db: Kysely<DatabaseSchema>): Promise<{ applied: string[] }> {
  if ((await pendingMigrations(db)).length === 0) return { applied: [] };
  const { error, results = [] } = await db.connection().execute(async (connection) => {
    // On a busy machine the pauses between its statements are longer than a writer's may be, and cut off it would only begin again.
    await sql`SET idle_in_transaction_session_timeout = 0`.execute(connection);
    const result = await migrator(connection).migrateToLatest();
    await sql`RESET idle_in_transaction_session_timeout`.execute(connection);
    return result;
  });
  if (error !== undefined) {
    const failed = results.find(({ status }) => status === 'Error')?.migrationName;
    throw new MigrationFailed(`migration ${failed ?? 'set-up'} failed`, { cause: error });
  }
  return { applied: results.map(({ migrationName }) => migrationName) };
}

/**
 * For services that do not migrate themselves. A newer schema is fine: two releases run side by side during an upgrade.
 *
 * @throws {@link SchemaOutdated}
 */
export async function assertSchemaIsCurrent(db: Kysely<DatabaseSchema>): Promise<void> {
  const pending = await pendingMigrations(db);
  if (pending.length > 0) throw new SchemaOutdated(`the database lacks migrations: ${pending.join(', ')}`);
}

async function pendingMigrations(db: Kysely<DatabaseSchema>): Promise<string[]> {
  const known = await migrator(db).getMigrations();
  return known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name);
}

function migrator(db: Kysely<DatabaseSchema>): Migrator {
  return new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...migrations }) } });
}
