import { RoomReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Controller, Get } from '@nestjs/common';

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3joined_rooms */
@Controller('_matrix/client/v3/joined_rooms')
export class GetJoinedRoomsController {
  constructor(private readonly rooms: RoomReader) {}

  @Get()
  @AccessToken()
  async getJoinedRooms(@Requester() requester: UserRequester): Promise<JsonObject> {
    const rooms = await this.rooms.joinedRooms(requester.userId);
    return { joined_rooms: rooms.map(({ roomId }) => roomId) };
  }
}
