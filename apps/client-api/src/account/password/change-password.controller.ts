import { AccountTransactor } from '@atoll/database';
import { AccessToken, Requester } from '@atoll/http';
import { Body, Controller, Ip, Post } from '@nestjs/common';
import { z } from 'zod';
import { DeviceChanges } from '../../auth/device-changes.js';
import { PasswordHasher } from '../../auth/password-hasher.js';
import { passwordSchema, requireStrongPassword } from '../../auth/password-policy.js';
import type { RequesterInfo } from '../../auth/requester-info.js';
import { UserInteractiveAuth, authSchema } from '../../auth/uia/user-interactive-auth.js';

const changePasswordSchema = z.object({
  auth: authSchema,
  new_password: passwordSchema,
  logout_devices: z.boolean().default(true),
});

@Controller('/_matrix/client/v3/account/password')
@AccessToken()
export class ChangePasswordController {
  constructor(
    private readonly changes: DeviceChanges,
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
    await this.changes.transact(async ({ transaction, devices }) => {
      await new AccountTransactor(transaction).setPasswordHash(userId, passwordHash);
      if (body.logout_devices) await devices.deleteAllDevices(userId, deviceId);
    });
    return {};
  }
}
