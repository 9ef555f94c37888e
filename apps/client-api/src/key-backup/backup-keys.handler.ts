import {
  type BackedUpKey,
  type BackupState,
  type BackupVersions,
  type Database,
  type KeyBackupName,
  KeyBackupTransactor,
  type KeyScope,
} from '@atoll/database';
import { MatrixError, resourceLimit, tooLarge } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';
import { unknownBackup } from './unknown-backup.js';

/** Keys in one request, and in all versions of one user. */
const MAX_KEYS_AT_ONCE = 10_000;
const MAX_KEYS = 500_000;
const MAX_BYTES = 1024 * 1024 * 1024;

/** Puts keys into a user's backups and deletes them. */
@Injectable()
export class BackupKeysHandler {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Stores all of the keys or none; those that are worse than what is there are passed over.
   * @throws MatrixError 404 M_NOT_FOUND, 403 M_WRONG_ROOM_KEYS_VERSION, 403 M_RESOURCE_LIMIT_EXCEEDED, 413 M_TOO_LARGE
   */
  async put(backup: KeyBackupName, keys: readonly BackedUpKey[]): Promise<BackupState> {
    if (keys.length > MAX_KEYS_AT_ONCE) throw tooLarge(`There are more than ${MAX_KEYS_AT_ONCE} keys`);
    return this.database.db.transaction().execute(async (trx) => {
      const backups = new KeyBackupTransactor(trx);
      requireCurrent(backup, await backups.lock(backup.userId));
      const state = await backups.putKeys(backup, keys);
      if (!state) throw unknownBackup();
      const usage = await backups.usage(backup.userId);
      if (usage.keys > MAX_KEYS || usage.bytes > MAX_BYTES)
        throw resourceLimit('There are too many keys in the backup');
      return state;
    });
  }

  /** @throws MatrixError 404 M_NOT_FOUND */
  async delete(backup: KeyBackupName, scope: KeyScope): Promise<BackupState> {
    return this.database.db.transaction().execute(async (trx) => {
      const backups = new KeyBackupTransactor(trx);
      await backups.lock(backup.userId);
      const state = await backups.deleteKeys(backup, scope);
      if (!state) throw unknownBackup();
      return state;
    });
  }
}

/** Keys go into the current version alone. Who names another one, deleted or not, hears which that is. */
function requireCurrent({ version }: KeyBackupName, { latest }: BackupVersions): void {
  if (latest === undefined) throw unknownBackup();
  if (version === latest) return;
  throw new MatrixError(403, 'M_WRONG_ROOM_KEYS_VERSION', 'This is not the current backup version', {
    current_version: String(latest),
  });
}
