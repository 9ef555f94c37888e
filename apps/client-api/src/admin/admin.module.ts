import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { SharedSecretRegisterController } from './shared-secret-register.controller.js';

/** What operators do over HTTP. */
@Module({ imports: [AuthModule], controllers: [SharedSecretRegisterController] })
export class AdminModule {}
