import { userIdSchema } from '@atoll/contract';
import { MutualRoomReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { invalidParam, isRoomId, type JsonObject } from '@atoll/matrix';
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

const PAGE = 100;
const TOKEN = /^m1_([\w-]+)$/;

const tokenSchema = z.string().max(1024).optional();
const querySchema = z.object({ user_id: userIdSchema, from: tokenSchema });
const unstableSchema = querySchema.extend({ batch_token: tokenSchema });

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mutual_rooms */
@Controller('_matrix/client')
@RateLimited('lookup')
@AccessToken()
export class GetMutualRoomsController {
  constructor(private readonly rooms: MutualRoomReader) {}

  /** A token names the last room of the page before, so that it is good for ever. */
  @Get('v1/mutual_rooms')
  async getMutualRooms(
    @Requester() { userId }: UserRequester,
    @Query({ schema: querySchema }) { user_id, from }: z.output<typeof querySchema>,
  ): Promise<JsonObject> {
    if (user_id === userId) throw invalidParam('user_id: everybody shares all rooms with themselves');
    const after = from === undefined ? '' : roomOf(from);
    const [count, found] = await Promise.all([
      this.rooms.count(userId, user_id),
      this.rooms.page(userId, user_id, after, PAGE + 1),
    ]);
    const joined = found.slice(0, PAGE);
    const last = joined.at(-1);
    return {
      joined,
      count,
      ...(found.length > PAGE && last !== undefined && { next_batch: tokenOf(last) }),
    };
  }

  /** By the path from before the specification (MSC2666), with the present names, as ruma has them, and with matrix-js-sdk's older ones. */
  @Get('unstable/uk.half-shot.msc2666/user/mutual_rooms')
  async getUnstableMutualRooms(
    @Requester() requester: UserRequester,
    @Query({ schema: unstableSchema }) { user_id, from, batch_token }: z.output<typeof unstableSchema>,
  ): Promise<JsonObject> {
    const answer = await this.getMutualRooms(requester, { user_id, from: from ?? batch_token });
    const { next_batch } = answer;
    return { ...answer, ...(next_batch !== undefined && { next_batch_token: next_batch }) };
  }
}

function tokenOf(roomId: string): string {
  return `m1_${Buffer.from(roomId).toString('base64url')}`;
}

function roomOf(token: string): string {
  const roomId = Buffer.from(TOKEN.exec(token)?.[1] ?? '', 'base64url').toString();
  if (!isRoomId(roomId)) throw invalidParam('from: not a token of this request');
  return roomId;
}
