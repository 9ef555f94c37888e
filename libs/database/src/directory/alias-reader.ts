import type { RoomAlias, RoomId, UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Where an alias of this server leads, and who made it. */
export interface AliasRecord {
  readonly alias: RoomAlias;
  readonly roomNid: number;
  readonly roomId: RoomId;
  readonly creator: UserId;
}

/** Aliases of this server. */
export class AliasReader {
  constructor(private readonly database: Database) {}

  async find(alias: RoomAlias): Promise<AliasRecord | undefined> {
    return this.database.db
      .selectFrom('room_aliases as a')
      .innerJoin('rooms as r', 'r.room_nid', 'a.room_nid')
      .select(['a.alias', 'a.room_nid as roomNid', 'r.room_id as roomId', 'a.creator'])
      .where('a.alias', '=', alias)
      .executeTakeFirst();
  }

  /** In the order in which they were made. */
  async aliasesOf(roomNid: number): Promise<RoomAlias[]> {
    const rows = await this.database.db
      .selectFrom('room_aliases')
      .select('alias')
      .where('room_nid', '=', roomNid)
      .orderBy('created_ts')
      .orderBy('alias')
      .execute();
    return rows.map(({ alias }) => alias);
  }
}
