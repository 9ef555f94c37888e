import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { type JsonObject, notFound, type RoomId } from '@atoll/matrix';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { eventTypeSchema, stateKeySchema } from '../access/event-schemas.js';
import { servedPdu } from '../../events/client-event.js';
import { ClientEvents } from '../../events/client-events.js';
import { RoomAccess } from '../access/room-access.js';
import { RoomStateEvents } from '../access/room-state.js';

const getRoomStateWithKeySchema = z.object({ format: z.enum(['content', 'event']).default('content') });
type GetRoomStateWithKey = z.output<typeof getRoomStateWithKeySchema>;

/** The state of a room: now, or as it was when the user left. */
@Controller('_matrix/client/v3/rooms/:roomId/state')
export class GetRoomStateController {
  constructor(
    private readonly access: RoomAccess,
    private readonly states: RoomStateEvents,
    private readonly clientEvents: ClientEvents,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate */
  @Get()
  @AccessToken({ allowGuest: true })
  async getRoomState(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
  ): Promise<JsonObject[]> {
    const readable = await this.access.readable(requester.userId, roomId);
    return this.clientEvents.serveState(requester, await this.states.of(readable));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey */
  @Get([':eventType', ':eventType/:stateKey'])
  @AccessToken({ allowGuest: true })
  async getRoomStateWithKey(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventType', { schema: eventTypeSchema }) eventType: string,
    @Param('stateKey', { schema: stateKeySchema }) stateKey: string,
    @Query({ schema: getRoomStateWithKeySchema }) { format }: GetRoomStateWithKey,
  ): Promise<JsonObject> {
    const readable = await this.access.readable(requester.userId, roomId);
    const event = await this.states.one(readable, eventType, stateKey);
    if (event === undefined) throw notFound('The room has no such state');
    if (format === 'content') return servedPdu(event).content;
    return this.clientEvents.serveState(requester, [event])[0] ?? {};
  }
}
