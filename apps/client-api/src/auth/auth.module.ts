import { Module } from '@nestjs/common';
import { AccessTokenAuthenticator } from './access-token.authenticator.js';
import { DeviceChanges } from './device-changes.js';
import { LoginController } from './login/login.controller.js';
import { LoginHandler } from './login/login.handler.js';
import { LogoutController } from './logout.controller.js';
import { PasswordCheck } from './password-check.js';
import { PasswordHasher } from './password-hasher.js';
import { RateLimiterModule } from './rate-limiter.module.js';
import { RefreshController } from './refresh.controller.js';
import { PasswordStage } from './uia/password.stage.js';
import { RegistrationTokenStage } from './uia/registration-token.stage.js';
import { UserInteractiveAuth } from './uia/user-interactive-auth.js';

/** Who is asking: login, tokens, and proof of identity for what a token alone does not allow. */
@Module({
  imports: [RateLimiterModule],
  controllers: [LoginController, LogoutController, RefreshController],
  providers: [
    AccessTokenAuthenticator,
    DeviceChanges,
    LoginHandler,
    PasswordCheck,
    PasswordHasher,
    PasswordStage,
    RegistrationTokenStage,
    UserInteractiveAuth,
  ],
  exports: [DeviceChanges, PasswordHasher, RateLimiterModule, UserInteractiveAuth],
})
export class AuthModule {}
