import { roomIdSchema } from '@atoll/contract';
import {
  AccountDataReader,
  currentPositions,
  type Database,
  encodeToken,
  pointAt,
  RoomReader,
} from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ClientEvents } from '../events/client-events.js';
import { DATABASE } from '../platform/tokens.js';
import { tokenOf } from '../rooms/access/pagination-token.js';
import { RoomAccess } from '../rooms/access/room-access.js';
import { RoomStateEvents } from '../rooms/access/room-state.js';
import { TimelinePages } from '../rooms/get-room-events/timeline-pages.js';

const MESSAGES = 20;

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidinitialsync */
@Controller('_matrix/client/v3/rooms/:roomId/initialSync')
export class RoomInitialSyncController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly access: RoomAccess,
    private readonly rooms: RoomReader,
    private readonly pages: TimelinePages,
    private readonly states: RoomStateEvents,
    private readonly accountData: AccountDataReader,
    private readonly clientEvents: ClientEvents,
  ) {}

  /** A room as it is, or as it was when the user left: above all to look into rooms that one is not in. */
  @Get()
  @AccessToken({ allowGuest: true })
  async roomInitialSync(
    @Requester() viewer: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
  ): Promise<JsonObject> {
    const readable = await this.access.readable(viewer.userId, roomId);
    const { roomNid, inDirectory } = readable.room;
    const now = await currentPositions(this.database.db);
    const end = readable.until ?? now.events;
    const [page, state, membership, accountData] = await Promise.all([
      this.pages.read(viewer, roomNid, {
        dir: 'b',
        from: pointAt(end),
        to: undefined,
        limit: MESSAGES,
        filter: {},
      }),
      this.states.of(readable),
      this.rooms.membershipOf(viewer.userId, roomNid),
      this.accountData.changes(viewer.userId, 0, now.account_data),
    ]);
    return {
      room_id: roomId,
      ...(membership !== undefined &&
        membership.membership !== 'knock' && { membership: membership.membership }),
      messages: {
        ...(page.end !== undefined && { start: tokenOf(page.end) }),
        end: encodeToken({ ...now, events: end }),
        chunk: page.served.map(({ body }) => body).reverse(),
      },
      state: this.clientEvents.serveState(viewer, state),
      visibility: inDirectory ? 'public' : 'private',
      account_data: accountData
        .filter((entry) => entry.roomId === roomId)
        .map(({ type, content }) => ({ type, content })),
    };
  }
}
