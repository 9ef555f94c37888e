import { Module } from '@nestjs/common';
import { AccountDataModule } from '../account-data/account-data.module.js';
import { ChangePushRulesHandler } from './change-push-rules.handler.js';
import { PushRulesController } from './push-rules.controller.js';

/** What notifies a user. */
@Module({
  imports: [AccountDataModule],
  controllers: [PushRulesController],
  providers: [ChangePushRulesHandler],
  exports: [ChangePushRulesHandler],
})
export class PushRulesModule {}
