import type { Kysely } from 'kysely';
import type { DatabaseSchema } from './schema/database-schema.js';

export interface Installation {
  readonly serverName: string;
  readonly partitions: number;
}

/** This database belongs to another server name, or was divided into another number of partitions. */
export class InstallationMismatch extends Error {
  override readonly name = 'InstallationMismatch';
}

/**
 * Writes the installation's row at the first start, and compares at every later one.
 *
 * @throws {@link InstallationMismatch}
 */
export async function ensureInstallation(db: Kysely<DatabaseSchema>, wanted: Installation): Promise<void> {
  await db
    .insertInto('installation')
    .values({ server_name: wanted.serverName, partitions: wanted.partitions })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const found = await db.selectFrom('installation').selectAll().executeTakeFirstOrThrow();
  if (found.server_name !== wanted.serverName) {
    throw new InstallationMismatch(
      `the database belongs to ${found.server_name}, not to ${wanted.serverName}`,
    );
  }
  if (found.partitions !== wanted.partitions) {
    throw new InstallationMismatch(
      `the database has ${found.partitions} partitions, not ${wanted.partitions}`,
    );
  }
}
