import { jsonObjectSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { eventTypeSchema, stateKeySchema } from '../access/event-schemas.js';
import { SetRoomStateHandler } from './set-room-state.handler.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey */
@Controller('_matrix/client/v3/rooms/:roomId/state')
export class SetRoomStateController {
  constructor(private readonly handler: SetRoomStateHandler) {}

  @Put([':eventType', ':eventType/:stateKey'])
  @AccessToken()
  async setRoomStateWithKey(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventType', { schema: eventTypeSchema }) type: string,
    @Param('stateKey', { schema: stateKeySchema }) stateKey: string,
    @Body({ schema: jsonObjectSchema }) content: JsonObject,
  ): Promise<JsonObject> {
    return {
      event_id: await this.handler.handle(userId, roomId, { type, stateKey, content }),
    };
  }
}
