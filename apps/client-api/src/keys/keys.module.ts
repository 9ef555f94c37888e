import { type Database, DestinationReader, DeviceKeyReader } from '@atoll/database';
import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { DATABASE } from '../platform/tokens.js';
import { SyncModule } from '../sync/sync.module.js';
import { ClaimKeysController } from './claim-keys/claim-keys.controller.js';
import { ClaimKeysHandler } from './claim-keys/claim-keys.handler.js';
import { FederatedKeys } from './federated-keys.js';
import { GetKeysChangesController } from './get-keys-changes/get-keys-changes.controller.js';
import { KeyNewsModule } from './news/key-news.module.js';
import { QueryKeysController } from './query-keys/query-keys.controller.js';
import { QueryKeysHandler } from './query-keys/query-keys.handler.js';
import { REMOTE_KEYS } from './remote-keys.js';
import { ServerAsker } from './server-asker.js';
import { UploadCrossSigningKeysController } from './upload-cross-signing-keys/upload-cross-signing-keys.controller.js';
import { UploadCrossSigningKeysHandler } from './upload-cross-signing-keys/upload-cross-signing-keys.handler.js';
import { SignableKeysLoader } from './upload-cross-signing-signatures/signable-keys.js';
import { UploadCrossSigningSignaturesController } from './upload-cross-signing-signatures/upload-cross-signing-signatures.controller.js';
import { UploadSignaturesHandler } from './upload-cross-signing-signatures/upload-signatures.handler.js';
import { UploadKeysController } from './upload-keys/upload-keys.controller.js';
import { UploadKeysHandler } from './upload-keys/upload-keys.handler.js';

/** Keys for end-to-end encryption: of devices, for new sessions, and of users for cross-signing. */
@Module({
  imports: [AuthModule, KeyNewsModule, SyncModule],
  controllers: [
    ClaimKeysController,
    GetKeysChangesController,
    QueryKeysController,
    UploadCrossSigningKeysController,
    UploadCrossSigningSignaturesController,
    UploadKeysController,
  ],
  providers: [
    {
      provide: DeviceKeyReader,
      useFactory: (database: Database) => new DeviceKeyReader(database),
      inject: [DATABASE],
    },
    { provide: REMOTE_KEYS, useClass: FederatedKeys },
    {
      provide: ServerAsker,
      useFactory: (database: Database) => new ServerAsker(new DestinationReader(database)),
      inject: [DATABASE],
    },
    ClaimKeysHandler,
    QueryKeysHandler,
    SignableKeysLoader,
    UploadCrossSigningKeysHandler,
    UploadKeysHandler,
    UploadSignaturesHandler,
  ],
})
export class KeysModule {}
