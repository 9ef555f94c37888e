import { AccountTransactor, type Database, DeviceTransactor } from '@atoll/database';
import { AccessToken, Requester } from '@atoll/http';
import { Body, Controller, Inject, Ip, Post } from '@nestjs/common';
import { z } from 'zod';
import { PasswordHasher } from '../../auth/password-hasher.js';
import { passwordSchema, requireStrongPassword } from '../../auth/password-policy.js';
import type { RequesterInfo } from '../../auth/requester-info.js';
import { UserInteractiveAuth, authSchema } from '../../auth/uia/user-interactive-auth.js';
import { DATABASE } from '../../platform/tokens.js';

const changePasswordSchema = z.object({
  auth: authSchema,
  new_password: passwordSchema,
  logout_devices: z.boolean().default(true),
});

@Controller('/_matrix/client/v3/account/password')
@AccessToken()
export class ChangePasswordController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly authentication: UserInteractiveAuth,
    private readonly hasher: PasswordHasher,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword */
  @Post()
  async changePassword(
    @Requester() { userId, deviceId }: RequesterInfo,
    @Body({ schema: changePasswordSchema }) body: z.output<typeof changePasswordSchema>,
    @Ip() ip: string,
  ) {
    requireStrongPassword(body.new_password);
    await this.authentication.require({
      operation: `change-password ${userId}`,
      flows: [['m.login.password']],
      auth: body.auth,
      userId,
      ip,
    });
    const passwordHash = await this.hasher.hash(body.new_password);
    await this.database.db.transaction().execute(async (trx) => {
      await new AccountTransactor(trx).setPasswordHash(userId, passwordHash);
      if (body.logout_devices) await new DeviceTransactor(trx).deleteAllDevices(userId, deviceId);
    });
    return {};
  }
}
