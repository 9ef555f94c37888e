import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { ProfileModule } from '../profile/profile.module.js';
import { CapabilitiesController } from './capabilities.controller.js';
import { DeactivateController } from './deactivate/deactivate.controller.js';
import { ChangePasswordController } from './password/change-password.controller.js';
import { RequestOpenIdTokenController } from './openid/request-openid-token.controller.js';
import { RegisterGuestHandler } from './register/register-guest.handler.js';
import { RegisterController } from './register/register.controller.js';
import { RegisterHandler } from './register/register.handler.js';
import { WhoamiController } from './whoami.controller.js';

/** Accounts from registration to deactivation. */
@Module({
  imports: [AuthModule, ProfileModule],
  controllers: [
    CapabilitiesController,
    ChangePasswordController,
    DeactivateController,
    RegisterController,
    RequestOpenIdTokenController,
    WhoamiController,
  ],
  providers: [RegisterGuestHandler, RegisterHandler],
})
export class AccountModule {}
