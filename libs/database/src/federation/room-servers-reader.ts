import type { RoomId, ServerName, UserId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { serverOf } from './server-name-sql.js';

/** Which servers are in rooms: those with a joined user. */
export class RoomServersReader {
  constructor(private readonly database: Database) {}

  async isInRoom(serverName: ServerName, roomNid: number): Promise<boolean> {
    const row = await this.joined()
      .where('m.room_nid', '=', roomNid)
      .where(serverOf('k.state_key'), '=', serverName)
      .select('m.room_nid')
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Those of the rooms that the server is in. */
  async roomsOf(serverName: ServerName, roomIds: readonly RoomId[]): Promise<Set<RoomId>> {
    const rows = await this.joined()
      .innerJoin('rooms as r', 'r.room_nid', 'm.room_nid')
      .where('r.room_id', '=', anyOf(roomIds))
      .where(serverOf('k.state_key'), '=', serverName)
      .select('r.room_id')
      .distinct()
      .execute();
    return new Set(rows.map((row) => row.room_id));
  }

  /**
   * The servers in a room, those with the most users first.
   * @param without a user who does not count
   */
  async serversIn(roomNid: number, limit: number, without: UserId | '' = ''): Promise<ServerName[]> {
    const rows = await this.joined()
      .where('m.room_nid', '=', roomNid)
      .where('k.state_key', '<>', without)
      .select(serverOf('k.state_key').as('server'))
      .groupBy('server')
      .orderBy((eb) => eb.fn.countAll(), 'desc')
      .orderBy('server')
      .limit(limit)
      .execute();
    return rows.map((row) => row.server as ServerName);
  }

  private joined() {
    return this.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
      .where('m.membership', '=', 'join');
  }
}
