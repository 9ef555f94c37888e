import { jsonObjectSchema, roomIdSchema, userIdSchema } from '@atoll/contract';
import { AccountDataReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { badJson, forbidden, isJsonObject, type JsonObject, type RoomId, type UserId } from '@atoll/matrix';
import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import { PutAccountDataHandler } from '../account-data/put-account-data.handler.js';
import { textSchema } from '../auth/text.schema.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

const TYPE = 'm.tag';
/** @see https://spec.matrix.org/v1.19/client-server-api/#room-tagging */
const MAX_TAG_LENGTH = 255;

const roomParams = z.object({ userId: userIdSchema, roomId: roomIdSchema });
const tagParams = roomParams.extend({
  tag: textSchema(MAX_TAG_LENGTH).refine((tag) => Buffer.byteLength(tag) <= MAX_TAG_LENGTH, 'too long'),
});
type RoomParams = z.output<typeof roomParams>;
type TagParams = z.output<typeof tagParams>;

/**
 * How a user sorts rooms: kept as account data of the room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridroomsroomidtags
 */
@Controller('_matrix/client/v3/user/:userId/rooms/:roomId/tags')
@AccessToken()
export class TagsController {
  constructor(
    private readonly accountData: AccountDataReader,
    private readonly handler: PutAccountDataHandler,
  ) {}

  @Get()
  async getRoomTags(
    @Requester() requester: UserRequester,
    @Param({ schema: roomParams }) { userId, roomId }: RoomParams,
  ): Promise<JsonObject> {
    requireOwner(requester, userId);
    return { tags: tagsOf(await this.accountData.find(userId, roomId, TYPE)) };
  }

  @Put(':tag')
  @RateLimited('account-data')
  async setRoomTag(
    @Requester() requester: UserRequester,
    @Param({ schema: tagParams }) { userId, roomId, tag }: TagParams,
    @Body({ schema: jsonObjectSchema }) body: JsonObject,
  ): Promise<JsonObject> {
    requireOwner(requester, userId);
    const { order } = body;
    if (order !== undefined && typeof order !== 'number') throw badJson('order must be a number');
    return this.change(userId, roomId, (tags) => ({ ...tags, [tag]: body }));
  }

  @Delete(':tag')
  @RateLimited('account-data')
  async deleteRoomTag(
    @Requester() requester: UserRequester,
    @Param({ schema: tagParams }) { userId, roomId, tag }: TagParams,
  ): Promise<JsonObject> {
    requireOwner(requester, userId);
    return this.change(userId, roomId, ({ [tag]: _, ...others }) => others);
  }

  private async change(userId: UserId, roomId: RoomId, change: (tags: JsonObject) => JsonObject) {
    await this.handler.update(userId, roomId, TYPE, (content) => ({
      ...content,
      tags: change(tagsOf(content)),
    }));
    return {};
  }
}

function tagsOf(content: JsonObject | undefined): JsonObject {
  const tags = content?.['tags'];
  return isJsonObject(tags) ? tags : {};
}

function requireOwner(requester: UserRequester, userId: UserId): void {
  if (requester.userId !== userId) throw forbidden("These are somebody else's tags");
}
