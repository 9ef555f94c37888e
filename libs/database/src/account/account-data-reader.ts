import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** One entry of a user's account data; `roomId` is '' for global data. */
export interface AccountDataEntry {
  readonly roomId: RoomId | '';
  readonly type: string;
  readonly content: JsonObject;
  readonly position: number;
}

/** Reads the `account_data` stream. */
export class AccountDataReader {
  constructor(private readonly database: Database) {}

  async find(userId: UserId, roomId: RoomId | '', type: string): Promise<JsonObject | undefined> {
    const row = await this.database.db
      .selectFrom('account_data')
      .select('content')
      .where('user_id', '=', userId)
      .where('room_id', '=', roomId)
      .where('type', '=', type)
      .executeTakeFirst();
    return row && (JSON.parse(row.content) as JsonObject);
  }

  /**
   * What changed after position `from` up to position `to`, in order; everything with `from` 0. An entry that changed
   * again after `to` is missing here and comes with the next range.
   */
  async changes(userId: UserId, from: number, to: number): Promise<AccountDataEntry[]> {
    const rows = await this.database.db
      .selectFrom('account_data')
      .select(['room_id', 'type', 'content', 'position'])
      .where('user_id', '=', userId)
      .where('position', '>', from)
      .where('position', '<=', to)
      .orderBy('position')
      .execute();
    return rows.map(({ room_id, type, content, position }) => {
      return { roomId: room_id, type, content: JSON.parse(content) as JsonObject, position };
    });
  }
}
