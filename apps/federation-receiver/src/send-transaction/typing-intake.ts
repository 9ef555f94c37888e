import { TypingChanged } from '@atoll/contract';
import {
  commitInLanes,
  type Database,
  type InboundRoomReader,
  type TypingChange,
  TypingTransactor,
} from '@atoll/database';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import type { Announcer } from '@atoll/redis-streams';

/** Other servers repeat that somebody types; who is not heard of for so long has stopped. */
const TYPES_FOR_MS = 60_000;

/** Takes in who types on other servers. */
export class TypingIntake {
  constructor(
    private readonly database: Database,
    private readonly rooms: InboundRoomReader,
    private readonly announcer: Announcer,
  ) {}

  /**
   * Of users that are in the room; the others are left out.
   * @param contents of admitted `m.typing` EDUs, in their order
   * @param rooms the numbers of the rooms that they name
   * @see https://spec.matrix.org/v1.19/server-server-api/#typing-notifications
   */
  async take(contents: readonly JsonObject[], rooms: ReadonlyMap<RoomId, number>): Promise<void> {
    if (contents.length === 0) return;
    const now = Date.now();
    const updates = contents.map(({ room_id, user_id, typing }) => ({
      roomId: room_id as RoomId,
      userId: user_id as UserId,
      typing,
    }));
    const joined = await this.rooms.joined(
      updates.map(({ roomId }) => roomId),
      updates.map(({ userId }) => userId),
    );
    const changes = updates.flatMap(({ roomId, userId, typing }): TypingChange[] => {
      const roomNid = rooms.get(roomId);
      if (roomNid === undefined || !joined(roomId, userId)) return [];
      return [{ roomNid, userId, until: typing === true ? now + TYPES_FOR_MS : undefined }];
    });
    if (changes.length === 0) return;
    const taken = await commitInLanes(this.database.db, (trx, closing) =>
      new TypingTransactor(trx, closing).set(changes, now),
    );
    if (taken) this.announcer.publish(TypingChanged, { position: taken.at(0) });
  }
}
