import { Module } from '@nestjs/common';
import { AccountDataController } from './account-data.controller.js';
import { PutAccountDataHandler } from './put-account-data.handler.js';

/** What clients keep on the server for their user. */
@Module({
  controllers: [AccountDataController],
  providers: [PutAccountDataHandler],
  exports: [PutAccountDataHandler],
})
export class AccountDataModule {}
