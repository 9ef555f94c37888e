import { Module } from '@nestjs/common';
import { PushRulesController } from './push-rules.controller.js';

/** What notifies a user. */
@Module({ controllers: [PushRulesController] })
export class PushRulesModule {}
