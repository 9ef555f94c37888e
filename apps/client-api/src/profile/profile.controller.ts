import { jsonObjectSchema, userIdSchema } from '@atoll/contract';
import { AccessToken, OptionalAccessToken, Requester } from '@atoll/http';
import { type JsonObject, type UserId, forbidden, missingParam } from '@atoll/matrix';
import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import type { RequesterInfo } from '../auth/requester-info.js';
import { ChangeProfileHandler } from './change-profile.handler.js';
import { ProfileLookup } from './profile-lookup.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

const userParams = z.object({ userId: userIdSchema });
const fieldParams = z.object({ userId: userIdSchema, keyName: z.string() });
type FieldParams = z.output<typeof fieldParams>;

/**
 * Profiles, readable by anybody, and changed by whom they describe. Who reads with a token is counted by user, others by address.
 * Also by the path from before the specification (MSC4133): clients take it for fields of their own where v1.16 is not announced.
 * @see https://spec.matrix.org/v1.19/client-server-api/#profiles
 */
@Controller([
  '/_matrix/client/v3/profile/:userId',
  '/_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId',
])
export class ProfileController {
  constructor(
    private readonly profiles: ProfileLookup,
    private readonly handler: ChangeProfileHandler,
  ) {}

  @Get()
  @RateLimited('profile-read')
  @OptionalAccessToken()
  getUserProfile(
    @Param({ schema: userParams }) { userId }: z.output<typeof userParams>,
  ): Promise<JsonObject> {
    return this.profiles.fieldsOf(userId);
  }

  @Get(':keyName')
  @RateLimited('profile-read')
  @OptionalAccessToken()
  async getProfileField(
    @Param({ schema: fieldParams }) { userId, keyName }: FieldParams,
  ): Promise<JsonObject> {
    return { [keyName]: await this.profiles.field(userId, keyName) };
  }

  @Put(':keyName')
  @RateLimited('profile')
  @AccessToken()
  async setProfileField(
    @Requester() requester: RequesterInfo,
    @Param({ schema: fieldParams }) { userId, keyName }: FieldParams,
    @Body({ schema: jsonObjectSchema }) body: JsonObject,
  ) {
    requireOwner(requester, userId);
    const value = Object.hasOwn(body, keyName) ? body[keyName] : undefined;
    if (value === undefined) throw missingParam(`Missing ${keyName}`);
    await this.handler.set(userId, keyName, value);
    return {};
  }

  @Delete(':keyName')
  @RateLimited('profile')
  @AccessToken()
  async deleteProfileField(
    @Requester() requester: RequesterInfo,
    @Param({ schema: fieldParams }) { userId, keyName }: FieldParams,
  ) {
    requireOwner(requester, userId);
    await this.handler.delete(userId, keyName);
    return {};
  }
}

function requireOwner(requester: RequesterInfo, userId: UserId): void {
  if (requester.userId !== userId) throw forbidden("This is somebody else's profile");
}
