import { type Database, type KeyBackupName, KeyBackupTransactor } from '@atoll/database';
import { invalidParam, type JsonObject, resourceLimit, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';
import { unknownBackup } from './unknown-backup.js';

/** Versions of one user. Clients delete the one before when they make a new one. */
const MAX_VERSIONS = 100;

/** Makes, changes and deletes versions of a user's key backup. */
@Injectable()
export class BackupVersionsHandler {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * The number of the new version, which is the current one from now on.
   * @throws MatrixError 403 M_RESOURCE_LIMIT_EXCEEDED
   */
  async create(userId: UserId, algorithm: string, authData: JsonObject): Promise<number> {
    return this.transact(async (backups) => {
      const version = await backups.create(userId, algorithm, JSON.stringify(authData));
      if ((await backups.usage(userId)).versions > MAX_VERSIONS)
        throw resourceLimit('There are too many backup versions');
      return version;
    });
  }

  /** @throws MatrixError 404 M_NOT_FOUND, 400 M_INVALID_PARAM when the version has another algorithm */
  async setAuthData(backup: KeyBackupName, algorithm: string, authData: JsonObject): Promise<void> {
    await this.transact(async (backups) => {
      const known = await backups.setAuthData(backup, JSON.stringify(authData));
      if (known === undefined) throw unknownBackup();
      if (known !== algorithm) throw invalidParam('The algorithm of a backup cannot be changed');
    });
  }

  /**
   * Deletes a version with its keys; it may have been deleted before.
   * @throws MatrixError 404 M_NOT_FOUND when there never was such a version
   */
  async delete(backup: KeyBackupName): Promise<void> {
    const { lastMade } = await this.transact(async (backups) => {
      const versions = await backups.lock(backup.userId);
      await backups.delete(backup);
      return versions;
    });
    if (backup.version < 1 || backup.version > lastMade) throw unknownBackup();
  }

  private transact<T>(work: (backups: KeyBackupTransactor) => Promise<T>): Promise<T> {
    return this.database.db.transaction().execute((trx) => work(new KeyBackupTransactor(trx)));
  }
}
