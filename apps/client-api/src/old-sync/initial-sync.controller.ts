import { RoomReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { limitSchema } from '../rooms/access/query-schemas.js';
import { compileSyncFilter } from '../sync/sync-filter.js';
import { SyncHandler } from '../sync/sync.handler.js';
import { Waiter } from '../sync/waiting/waiter.js';
import { Invites } from './invites.js';
import type { SyncAnswer, SyncRoom } from './old-sync-answer.js';

const MAX_LIMIT = 100;

const querySchema = z.object({
  limit: limitSchema(10, MAX_LIMIT),
  archived: z.enum(['true', 'false']).default('false'),
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3initialsync */
@Controller('_matrix/client/v3/initialSync')
export class InitialSyncController {
  constructor(
    private readonly sync: SyncHandler,
    private readonly rooms: RoomReader,
    private readonly invites: Invites,
  ) {}

  /** A first `/sync` in the form of before there was `/sync`. */
  @Get()
  @AccessToken()
  async initialSync(
    @Requester() { userId, deviceId }: UserRequester,
    @Query({ schema: querySchema }) { limit, archived }: z.output<typeof querySchema>,
  ): Promise<JsonObject> {
    const filter = compileSyncFilter({
      room: { timeline: { limit: Math.max(limit, 1) }, include_leave: archived === 'true' },
    });
    const request = {
      ...{ userId, deviceId, filter, since: undefined },
      ...{ fullState: false, stateField: 'state_after' as const, toDevice: false },
    };
    const text = await this.sync.answer(request, 0, new Waiter(userId));
    const answer = JSON.parse(text) as SyncAnswer;
    const { join = {}, leave = {}, invite = {} } = answer.rooms ?? {};
    const published = await this.publishedAmong([...Object.keys(join), ...Object.keys(leave)]);
    const infoOf = (membership: string, [roomId, room]: [string, SyncRoom]): JsonObject => {
      const isPublished = published.has(roomId);
      return {
        ...roomInfo(roomId, room, answer.next_batch),
        membership,
        visibility: visibilityOf(isPublished),
      };
    };
    const invites = await this.invites.of({ userId, deviceId }, Object.keys(invite));
    return {
      end: answer.next_batch,
      presence: [...(answer.presence?.events ?? [])],
      account_data: [...(answer.account_data?.events ?? [])],
      rooms: [
        ...Object.entries(join).map((entry) => infoOf('join', entry)),
        ...Object.entries(leave).map((entry) => infoOf('leave', entry)),
        ...Array.from(invites, ([room_id, event]) => ({ room_id, membership: 'invite', invite: event })),
      ],
    };
  }

  private async publishedAmong(roomIds: readonly string[]): Promise<Set<string>> {
    const rooms = await this.rooms.byIds(roomIds as RoomId[]);
    return new Set(rooms.filter(({ inDirectory }) => inDirectory).map(({ roomId }) => roomId));
  }
}

const visibilityOf = (isPublished: boolean) => (isPublished ? 'public' : 'private');

function roomInfo(roomId: string, room: SyncRoom, end: string): JsonObject {
  const { events, prev_batch } = room.timeline;
  const inRoom = (event: JsonObject) => ({ ...event, room_id: roomId });
  return {
    room_id: roomId,
    messages: { ...(prev_batch !== undefined && { start: prev_batch }), end, chunk: events.map(inRoom) },
    state: (room.state_after?.events ?? []).map(inRoom),
    account_data: [...room.account_data.events],
  };
}
