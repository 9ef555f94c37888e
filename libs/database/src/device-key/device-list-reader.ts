import type { UserId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** Reads the `device_lists` stream. */
export class DeviceListReader {
  constructor(private readonly database: Database) {}

  /**
   * Whose devices or keys changed after `from` up to `to`: of the reader, of those in one of the rooms, and of others where it is for the
   * reader alone.
   */
  async changed(reader: UserId, roomNids: readonly number[], from: number, to: number): Promise<UserId[]> {
    const rows = await this.database.db
      .selectFrom('device_lists as l')
      .select('l.user_id as userId')
      .distinct()
      .where('l.position', '>', from)
      .where('l.position', '<=', to)
      .where((where) =>
        where.or([
          where('l.seen_by', '=', reader),
          where.and([where('l.seen_by', '=', ''), where('l.user_id', '=', reader)]),
          where.and([
            where('l.seen_by', '=', ''),
            where.exists(
              where
                .selectFrom('state_keys as k')
                .innerJoin('memberships as m', 'm.user_nid', 'k.state_key_nid')
                .select('m.room_nid')
                .whereRef('k.state_key', '=', 'l.user_id')
                .where('m.membership', '=', 'join')
                .where('m.room_nid', '=', anyOf(roomNids)),
            ),
          ]),
        ]),
      )
      .execute();
    return rows.map(({ userId }) => userId);
  }
}
