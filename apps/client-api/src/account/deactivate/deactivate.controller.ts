import { AccountTransactor, DeviceTransactor } from '@atoll/database';
import { AccessToken, Requester, optionalBody } from '@atoll/http';
import { Body, Controller, Ip, Post } from '@nestjs/common';
import { z } from 'zod';
import { DeviceChanges } from '../../auth/device-changes.js';
import type { RequesterInfo } from '../../auth/requester-info.js';
import { UserInteractiveAuth, authSchema } from '../../auth/uia/user-interactive-auth.js';
import { MembershipFollower } from '../../profile/membership-follower.js';

const deactivateSchema = z.object({
  auth: authSchema,
  id_server: z.string().optional(),
  erase: z.boolean().default(false),
});

@Controller('/_matrix/client/v3/account/deactivate')
@AccessToken()
export class DeactivateController {
  constructor(
    private readonly authentication: UserInteractiveAuth,
    private readonly memberships: MembershipFollower,
    private readonly changes: DeviceChanges,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate */
  @Post()
  async deactivateAccount(
    @Requester() { userId }: RequesterInfo,
    @Body({ schema: optionalBody(deactivateSchema) }) { auth, erase }: z.output<typeof deactivateSchema>,
    @Ip() ip: string,
  ) {
    const operation = `deactivate ${userId}`;
    await this.authentication.require({ operation, flows: [['m.login.password']], auth, userId, ip });
    const devices = await this.memberships.follow(userId, 'leave-all', async (trx, closing) => {
      const accounts = new AccountTransactor(trx);
      const devices = new DeviceTransactor(trx, closing);
      await accounts.deactivate(userId);
      await devices.deleteAllDevices(userId);
      if (erase) await accounts.erase(userId);
      return devices;
    });
    this.changes.tell(devices);
    // We hold no third-party identifiers, so none is left bound.
    return { id_server_unbind_result: 'success' };
  }
}
