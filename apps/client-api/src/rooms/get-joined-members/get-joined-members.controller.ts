import { roomIdSchema } from '@atoll/contract';
import { StateReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, JsonValue, RoomId } from '@atoll/matrix';
import { Controller, Get, Param } from '@nestjs/common';
import { servedPdu } from '../../events/client-event.js';
import { RoomAccess } from '../access/room-access.js';
import { RoomStateEvents } from '../access/room-state.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidjoined_members */
@Controller('_matrix/client/v3/rooms/:roomId/joined_members')
export class GetJoinedMembersController {
  constructor(
    private readonly access: RoomAccess,
    private readonly members: StateReader,
    private readonly states: RoomStateEvents,
  ) {}

  /** Both profile keys are always there: clients of this endpoint expect null for what is not set. */
  @Get()
  @AccessToken()
  async getJoinedMembersByRoom(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
  ): Promise<JsonObject> {
    const room = await this.access.joined(requester.userId, roomId);
    const events = await this.states.load(await this.members.membersOf(room.roomNid, ['join']));
    const joined = events.map((event) => {
      const { state_key, content } = servedPdu(event);
      const profile = { display_name: text(content['displayname']), avatar_url: text(content['avatar_url']) };
      return [state_key, profile];
    });
    return { joined: Object.fromEntries(joined) as JsonObject };
  }
}

function text(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
