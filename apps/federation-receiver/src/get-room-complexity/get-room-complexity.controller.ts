import { SpaceReader, StateReader } from '@atoll/database';
import { FederationSignature, Requester } from '@atoll/http';
import { type JsonObject, notFound, type ServerName } from '@atoll/matrix';
import { Controller, Get, Inject, Param } from '@nestjs/common';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { AccessibleRooms } from '../room-access/accessible-rooms.js';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';
import { type RoomParams, roomParamsSchema } from '../room-access/room-query.schema.js';

/** Of state events: what Synapse, which asks before its users join, takes as 1. */
const STATE_PER_UNIT = 500;

/** How large a room is, for servers whose users could join it. In no version of the specification. */
@FederationSignature()
@Controller('_matrix/federation/unstable/rooms/:roomId/complexity')
export class GetRoomComplexityController {
  constructor(
    private readonly spaces: SpaceReader,
    private readonly accessible: AccessibleRooms,
    private readonly states: StateReader,
    @Inject(OWN_SERVER_NAME) private readonly ownName: ServerName,
  ) {}

  @Get()
  async getRoomComplexity(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: roomParamsSchema }) { roomId }: RoomParams,
  ): Promise<JsonObject> {
    const [room] = await this.spaces.summaries(this.ownName, [roomId]);
    if (!room || !(await this.accessible.among(origin, [room])).has(roomId)) throw notFound('Room not found');
    return { v1: (await this.states.currentCount(room.room.roomNid)) / STATE_PER_UNIT };
  }
}
