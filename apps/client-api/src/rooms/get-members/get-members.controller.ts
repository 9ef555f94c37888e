import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { GetMembersHandler } from './get-members.handler.js';

const membership = z.enum(['join', 'invite', 'knock', 'leave', 'ban']);
const getMembersSchema = z.object({
  at: z.string().optional(),
  membership: membership.optional(),
  not_membership: membership.optional(),
});
export type GetMembers = z.output<typeof getMembersSchema>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers */
@Controller('_matrix/client/v3/rooms/:roomId/members')
export class GetMembersController {
  constructor(private readonly handler: GetMembersHandler) {}

  @Get()
  @AccessToken({ allowGuest: true })
  getMembersByRoom(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Query({ schema: getMembersSchema }) query: GetMembers,
  ): Promise<JsonObject> {
    return this.handler.handle(requester, roomId, query);
  }
}
