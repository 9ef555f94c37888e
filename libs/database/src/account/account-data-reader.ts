import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { DELETED_CONTENT } from './deleted-content.js';

/** One entry of a user's account data; `roomId` is '' for global data. */
export interface AccountDataEntry {
  readonly roomId: RoomId | '';
  readonly type: string;
  readonly content: JsonObject;
  readonly position: number;
}

/** Reads the `account_data` stream. Entries that were deleted are found by nothing but `changes` and `changesIn`. */
export class AccountDataReader {
  constructor(private readonly database: Database) {}

  async find(userId: UserId, roomId: RoomId | '', type: string): Promise<JsonObject | undefined> {
    const row = await this.database.db
      .selectFrom('account_data')
      .select('content')
      .where('user_id', '=', userId)
      .where('room_id', '=', roomId)
      .where('type', '=', type)
      .where('content', '<>', DELETED_CONTENT)
      .executeTakeFirst();
    return row && (JSON.parse(row.content) as JsonObject);
  }

  /** Global data of some types, by user and type; users who have none of them are missing. */
  async globalOf(
    users: readonly UserId[],
    types: readonly string[],
  ): Promise<Map<UserId, Map<string, JsonObject>>> {
    const rows = await this.database.db
      .selectFrom('account_data')
      .select(['user_id', 'type', 'content'])
      .where('user_id', '=', anyOf(users))
      .where('room_id', '=', '')
      .where('type', '=', anyOf(types))
      .where('content', '<>', DELETED_CONTENT)
      .execute();
    const byUser = new Map<UserId, Map<string, JsonObject>>();
    for (const { user_id, type, content } of rows) {
      const ofUser = byUser.get(user_id) ?? new Map<string, JsonObject>();
      byUser.set(user_id, ofUser.set(type, JSON.parse(content) as JsonObject));
    }
    return byUser;
  }

  /**
   * What changed after position `from` up to position `to`, in order; everything with `from` 0. An entry that changed
   * again after `to` is missing here and comes with the next range. What was deleted has the content `{}`, and is missing with `from` 0.
   */
  async changes(userId: UserId, from: number, to: number): Promise<AccountDataEntry[]> {
    if (from >= to) return [];
    const rows = await this.entriesAfter(userId, from)
      .where('position', '<=', to)
      .orderBy('position')
      .execute();
    return rows.map(toEntry);
  }

  /** As `changes`, of some rooms alone; '' stands for global data. */
  async changesIn(
    userId: UserId,
    roomIds: readonly (RoomId | '')[],
    from: number,
    to: number,
  ): Promise<AccountDataEntry[]> {
    if (roomIds.length === 0 || from >= to) return [];
    const rows = await this.entriesAfter(userId, from)
      .where('room_id', '=', anyOf(roomIds))
      .where('position', '<=', to)
      .orderBy('position')
      .execute();
    return rows.map(toEntry);
  }

  /** The entries of one type, of all rooms. */
  async ofType(userId: UserId, type: string): Promise<AccountDataEntry[]> {
    const rows = await this.entriesAfter(userId, 0).where('type', '=', type).execute();
    return rows.map(toEntry);
  }

  private entriesAfter(userId: UserId, from: number) {
    return this.database.db
      .selectFrom('account_data')
      .select(['room_id', 'type', 'content', 'position'])
      .where('user_id', '=', userId)
      .where('position', '>', from)
      .$if(from === 0, (query) => query.where('content', '<>', DELETED_CONTENT));
  }
}

function toEntry(row: {
  room_id: RoomId | '';
  type: string;
  content: string;
  position: number;
}): AccountDataEntry {
  const { room_id, type, content, position } = row;
  return { roomId: room_id, type, content: JSON.parse(content) as JsonObject, position };
}
