import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Body, Controller, Ip, Post } from '@nestjs/common';
import { z } from 'zod';
import { authSchema, UserInteractiveAuth } from '../../auth/uia/user-interactive-auth.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';
import { crossSigningKeySchema } from '../key-schemas.js';
import { checkCrossSigningKeys } from './check-cross-signing-keys.js';
import { UploadCrossSigningKeysHandler } from './upload-cross-signing-keys.handler.js';

const uploadSchema = z.object({
  auth: authSchema,
  master_key: crossSigningKeySchema.optional(),
  self_signing_key: crossSigningKeySchema.optional(),
  user_signing_key: crossSigningKeySchema.optional(),
});

/**
 * matrix-js-sdk's `uploadDeviceSigningKeys` still takes the path from before the specification.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload
 */
@Controller([
  '/_matrix/client/v3/keys/device_signing/upload',
  '/_matrix/client/unstable/keys/device_signing/upload',
])
@AccessToken()
export class UploadCrossSigningKeysController {
  constructor(
    private readonly handler: UploadCrossSigningKeysHandler,
    private readonly authentication: UserInteractiveAuth,
  ) {}

  @Post()
  @RateLimited('keys')
  async uploadCrossSigningKeys(
    @Requester() { userId }: UserRequester,
    @Body({ schema: uploadSchema }) { auth, ...keys }: z.output<typeof uploadSchema>,
    @Ip() ip: string,
  ): Promise<JsonObject> {
    const checked = checkCrossSigningKeys(userId, {
      master: keys.master_key,
      self_signing: keys.self_signing_key,
      user_signing: keys.user_signing_key,
    });
    // Whether a password is needed depends on the keys that are there: it is decided with the account locked.
    if ((await this.handler.store(userId, checked, false)) === 'stored') return {};
    const operation = `cross-signing ${userId}`;
    await this.authentication.require({ operation, flows: [['m.login.password']], auth, userId, ip });
    await this.handler.store(userId, checked, true);
    return {};
  }
}
