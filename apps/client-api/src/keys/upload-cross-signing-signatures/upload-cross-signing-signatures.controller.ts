import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Body, Controller, Post } from '@nestjs/common';
import type { z } from 'zod';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';
import { signedKeysSchema } from '../key-schemas.js';
import { UploadSignaturesHandler } from './upload-signatures.handler.js';

/** Of one request: each signature is verified, and the keys of users of other servers may have to be asked for. */
const MAX_KEYS = 500;
const MAX_USERS = 100;

const bodySchema = signedKeysSchema
  .refine(
    (users) => Object.values(users).reduce((sum, keys) => sum + Object.keys(keys).length, 0) <= MAX_KEYS,
    `more than ${MAX_KEYS} keys`,
  )
  .refine((users) => Object.keys(users).length <= MAX_USERS, `more than ${MAX_USERS} users`);

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload */
@Controller('/_matrix/client/v3/keys/signatures/upload')
@AccessToken()
export class UploadCrossSigningSignaturesController {
  constructor(private readonly handler: UploadSignaturesHandler) {}

  @Post()
  @RateLimited('keys')
  async uploadCrossSigningSignatures(
    @Requester() { userId }: UserRequester,
    @Body({ schema: bodySchema }) body: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    return { failures: await this.handler.upload(userId, body) };
  }
}
