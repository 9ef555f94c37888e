import type { Config } from '@atoll/config';
import { RoomReader, ServerNoticeReader } from '@atoll/database';
import { MatrixError, type RoomId, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';

/** Keeps users from rejecting the invite into the room in which the server tells them something. */
@Injectable()
export class NoticesRoomCheck {
  constructor(
    private readonly notices: ServerNoticeReader,
    private readonly rooms: RoomReader,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Whoever has joined the room may leave it.
   * @throws MatrixError 403 `M_CANNOT_LEAVE_SERVER_NOTICE_ROOM`
   * @see https://spec.matrix.org/v1.19/client-server-api/#server-notices
   */
  async assertMayLeave(userId: UserId, roomId: RoomId): Promise<void> {
    const { serverNotices } = this.config;
    if (serverNotices === undefined) return;
    const room = await this.notices.roomOf(userId);
    if (room?.roomId !== roomId || room.senderId !== serverNotices.userId) return;
    const memberships = await this.rooms.membershipsIn(userId, [roomId]);
    if (memberships.get(roomId) !== 'invite') return;
    throw new MatrixError(
      403,
      'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM',
      'You cannot reject the invite of this server',
    );
  }
}
