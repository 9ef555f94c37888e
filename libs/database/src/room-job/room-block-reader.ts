import type { RoomId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Which rooms are closed to local users. */
export class RoomBlockReader {
  constructor(private readonly database: Database) {}

  async isBlocked(roomId: RoomId): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('room_blocks')
      .select('room_id')
      .where('room_id', '=', roomId)
      .executeTakeFirst();
    return row !== undefined;
  }
}
