import { Module } from '@nestjs/common';
import { AccountDataController } from './account-data.controller.js';
import { DeleteAccountDataController } from './delete-account-data.controller.js';
import { DeleteAccountDataHandler } from './delete-account-data.handler.js';
import { PutAccountDataHandler } from './put-account-data.handler.js';

/** What clients keep on the server for their user. */
@Module({
  controllers: [AccountDataController, DeleteAccountDataController],
  providers: [DeleteAccountDataHandler, PutAccountDataHandler],
  exports: [PutAccountDataHandler],
})
export class AccountDataModule {}
