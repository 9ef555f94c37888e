import type { RoomBlockReader } from '@atoll/database';
import type { RoomId } from '@atoll/matrix';
import { roomBlocked } from '../room-actor/room-actor.js';

/** Asked before another server is: a room that is blocked need not be known. Events are refused by the room's actor. */
export class RoomBlocks {
  constructor(private readonly reader: RoomBlockReader) {}

  /** @throws MatrixError 403 */
  async assertOpen(roomId: RoomId): Promise<void> {
    if (await this.reader.isBlocked(roomId)) throw roomBlocked();
  }
}
