import type { RoomId, UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Finds the rooms that two users share. */
export class MutualRoomReader {
  constructor(private readonly database: Database) {}

  async count(one: UserId, other: UserId): Promise<number> {
    const { count } = await this.shared(one, other)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    return count;
  }

  /** The next rooms in the order of their ids. @param after '' for the first ones */
  async page(one: UserId, other: UserId, after: string, limit: number): Promise<RoomId[]> {
    const rows = await this.shared(one, other)
      .select('r.room_id as roomId')
      .where('r.room_id', '>', after as RoomId)
      .orderBy('r.room_id')
      .limit(limit)
      .execute();
    return rows.map(({ roomId }) => roomId);
  }

  private shared(one: UserId, other: UserId) {
    return this.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
      .innerJoin('memberships as theirs', 'theirs.room_nid', 'm.room_nid')
      .innerJoin('state_keys as their_key', 'their_key.state_key_nid', 'theirs.user_nid')
      .innerJoin('rooms as r', 'r.room_nid', 'm.room_nid')
      .where('k.state_key', '=', one)
      .where('their_key.state_key', '=', other)
      .where('m.membership', '=', 'join')
      .where('theirs.membership', '=', 'join');
  }
}
