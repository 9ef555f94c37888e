import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { Body, Controller, Post } from '@nestjs/common';
import { z } from 'zod';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';
import { deviceKeysSchema, oneTimeKeysSchema } from '../key-schemas.js';
import { UploadKeysHandler } from './upload-keys.handler.js';

const uploadKeysSchema = z.object({
  device_keys: deviceKeysSchema.optional(),
  one_time_keys: oneTimeKeysSchema.optional(),
  fallback_keys: oneTimeKeysSchema.optional(),
});
export type UploadKeysBody = z.output<typeof uploadKeysSchema>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysupload */
@Controller('/_matrix/client/v3/keys/upload')
@AccessToken({ allowGuest: true })
export class UploadKeysController {
  constructor(private readonly handler: UploadKeysHandler) {}

  @Post()
  @RateLimited('keys')
  async uploadKeys(
    @Requester() requester: UserRequester,
    @Body({ schema: uploadKeysSchema }) body: UploadKeysBody,
  ) {
    return { one_time_key_counts: await this.handler.upload(requester, body) };
  }
}
