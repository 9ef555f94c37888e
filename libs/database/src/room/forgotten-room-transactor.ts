import type { UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Marks rooms that users want to hear no more of; a new membership takes the mark away. */
export class ForgottenRoomTransactor {
  constructor(private readonly database: Database) {}

  /** Does nothing unless the user has left the room or is banned from it. */
  async forget(userId: UserId, roomNid: number): Promise<void> {
    await this.database.db
      .updateTable('memberships')
      .set({ forgotten: true })
      .where('room_nid', '=', roomNid)
      .where('user_nid', '=', (query) =>
        query.selectFrom('state_keys').select('state_key_nid').where('state_key', '=', userId),
      )
      .where('membership', 'in', ['leave', 'ban'])
      .execute();
  }
}
