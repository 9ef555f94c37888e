import { AccountDataReader, RoomReader } from '@atoll/database';
import { type JsonObject, MatrixError, type RoomId, type UserId } from '@atoll/matrix';
import { followRoom } from '@atoll/push-rules';
import { Injectable } from '@nestjs/common';
import { PutAccountDataHandler } from '../../account-data/put-account-data.handler.js';
import { ChangePushRulesHandler } from '../../push-rules/change-push-rules.handler.js';
import { Predecessors } from '../access/predecessors.js';

/** Takes what users have set for a room over to the one that replaces it. */
@Injectable()
export class SettingsTransfer {
  constructor(
    private readonly rooms: RoomReader,
    private readonly predecessors: Predecessors,
    private readonly accountData: AccountDataReader,
    private readonly pushRules: ChangePushRulesHandler,
    private readonly entries: PutAccountDataHandler,
  ) {}

  /**
   * For who has joined a room, before the join is answered: every user of this server who is in a replacement came by here, whoever made
   * it and however. Repeating it does no harm, and is what asking to join once more does when it was cut off. A predecessor that the
   * create event only claims gives the user nothing but the user's own settings.
   * 1. Push rules about the old room. 2. Its tags. 3. That it is a direct chat.
   * What is set for the new room already stays; what there is no space for is left out.
   * @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
   */
  async toMember(userId: UserId, roomId: RoomId): Promise<void> {
    const room = await this.rooms.byId(roomId);
    const old = room && (await this.predecessors.of(room.roomNid));
    if (old === undefined || old === roomId) return;
    const tags = await this.accountData.find(userId, old, 'm.tag');
    try {
      await this.pushRules.change(userId, (stored) => followRoom(stored, old, roomId));
      if (tags) await this.entries.update(userId, roomId, 'm.tag', (present) => (present ? undefined : tags));
      await this.entries.update(userId, '', 'm.direct', (direct) => direct && withRoom(direct, old, roomId));
    } catch (error) {
      if (!(error instanceof MatrixError) || error.status >= 500) throw error;
    }
  }
}

/** Undefined when nothing is to be added. @see https://spec.matrix.org/v1.19/client-server-api/#mdirect */
function withRoom(direct: JsonObject, old: RoomId, roomId: RoomId): JsonObject | undefined {
  const followed = Object.entries(direct).flatMap(([user, rooms]) =>
    Array.isArray(rooms) && rooms.includes(old) && !rooms.includes(roomId)
      ? [[user, [...rooms, roomId]]]
      : [],
  );
  return followed.length > 0 ? { ...direct, ...(Object.fromEntries(followed) as JsonObject) } : undefined;
}
