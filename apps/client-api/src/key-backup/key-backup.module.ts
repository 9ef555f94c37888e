import { type Database, KeyBackupReader } from '@atoll/database';
import { Module } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';
import { BackupKeysController } from './backup-keys.controller.js';
import { BackupKeysHandler } from './backup-keys.handler.js';
import { BackupKeysPages } from './backup-keys-pages.js';
import { BackupVersionsController } from './backup-versions.controller.js';
import { BackupVersionsHandler } from './backup-versions.handler.js';

/** Backups of room keys, which clients encrypt. */
@Module({
  controllers: [BackupKeysController, BackupVersionsController],
  providers: [
    {
      provide: KeyBackupReader,
      useFactory: (database: Database) => new KeyBackupReader(database),
      inject: [DATABASE],
    },
    BackupKeysHandler,
    BackupKeysPages,
    BackupVersionsHandler,
  ],
})
export class KeyBackupModule {}
