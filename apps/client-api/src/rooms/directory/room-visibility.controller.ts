import { roomIdSchema } from '@atoll/contract';
import { AccountReader, PublishedRoomTransactor, RoomReader, type RoomRecord } from '@atoll/database';
import { AccessToken, optionalBody, Public, Requester, type UserRequester } from '@atoll/http';
import { forbidden, type JsonObject, notFound, type RoomId, type UserId } from '@atoll/matrix';
import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import { RoomPowers } from '../access/room-powers.js';

const visibilitySchema = optionalBody(
  z.object({ visibility: z.enum(['private', 'public']).default('public') }),
);
type Visibility = z.output<typeof visibilitySchema>;

/** Whether a room stands in this server's directory. */
@Controller('_matrix/client/v3/directory/list/room/:roomId')
export class RoomVisibilityController {
  constructor(
    private readonly rooms: RoomReader,
    private readonly published: PublishedRoomTransactor,
    private readonly accounts: AccountReader,
    private readonly powers: RoomPowers,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directorylistroomroomid */
  @Get()
  @Public()
  async getRoomVisibilityOnDirectory(
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
  ): Promise<JsonObject> {
    const { inDirectory } = await this.known(roomId);
    return { visibility: inDirectory ? 'public' : 'private' };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directorylistroomroomid */
  @Put()
  @AccessToken()
  async setRoomVisibilityOnDirectory(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Body({ schema: visibilitySchema }) { visibility }: Visibility,
  ): Promise<JsonObject> {
    const room = await this.known(roomId);
    if (!(await this.mayPublish(userId, room))) throw forbidden('You may not change who finds this room');
    await this.published.setPublished(room.roomNid, visibility === 'public');
    return {};
  }

  private async known(roomId: RoomId): Promise<RoomRecord> {
    const room = await this.rooms.byId(roomId);
    if (room === undefined) throw notFound('Room not found');
    return room;
  }

  /** Like setting the canonical alias, which is also about how a room is found. */
  private async mayPublish(userId: UserId, room: RoomRecord): Promise<boolean> {
    if ((await this.accounts.find(userId))?.isAdmin === true) return true;
    if ((await this.rooms.membershipOf(userId, room.roomNid))?.membership !== 'join') return false;
    const levels = await this.powers.of(room);
    return levels.userLevel(userId) >= levels.requiredLevel('m.room.canonical_alias', true);
  }
}
