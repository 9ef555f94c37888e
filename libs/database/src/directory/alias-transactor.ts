import type { RoomAlias, UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Makes and removes aliases of this server. */
export class AliasTransactor {
  constructor(private readonly database: Database) {}

  /** False when the alias exists already. */
  async create(alias: RoomAlias, roomNid: number, creator: UserId): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await this.database.db
      .insertInto('room_aliases')
      .values({ alias, room_nid: roomNid, creator, created_ts: Date.now() })
      .onConflict((conflict) => conflict.column('alias').doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n;
  }

  /** False when somebody else was quicker. */
  async remove(alias: RoomAlias): Promise<boolean> {
    const { numDeletedRows } = await this.database.db
      .deleteFrom('room_aliases')
      .where('alias', '=', alias)
      .executeTakeFirst();
    return numDeletedRows === 1n;
  }
}
