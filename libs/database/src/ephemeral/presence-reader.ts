import type { ServerName, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import { serverOf } from '../federation/server-name-sql.js';
import type { Database } from '../open-database.js';
import { EVENT_TYPE_NIDS } from '../schema/event.table.js';
import type { Presence } from '../schema/ephemeral.table.js';

/** What is known of a user's presence. */
export interface UserPresence {
  readonly userId: UserId;
  readonly presence: Presence;
  readonly statusMsg: string | null;
  /** ms since 1970 */
  readonly lastActiveTs: number;
  readonly currentlyActive: boolean;
}

/** The same, and how old it is. */
export interface KnownPresence extends UserPresence {
  /** When it was last heard of, ms since 1970. */
  readonly updatedTs: number;
}

/** Of which users {@link PresenceReader.notOffline} tells. */
export interface NotOfflineQuery {
  readonly isLocal: boolean;
  readonly after: UserId | '';
  readonly heardBefore?: number;
}

/** Of `presence as p`, as a {@link UserPresence}. */
export const userPresenceColumns = [
  'p.user_id as userId',
  'p.presence',
  'p.status_msg as statusMsg',
  'p.last_active_ts as lastActiveTs',
  'p.currently_active as currentlyActive',
] as const;

/** Of `presence as p`, as a {@link KnownPresence}. */
export const knownPresenceColumns = [...userPresenceColumns, 'p.updated_ts as updatedTs'] as const;

/** Reads the `presence` stream. */
export class PresenceReader {
  constructor(private readonly database: Database) {}

  async of(userId: UserId): Promise<UserPresence | undefined> {
    return this.rows().where('p.user_id', '=', userId).executeTakeFirst();
  }

  /**
   * Those whose presence changed after `from` up to `to` and who are in one of the rooms, and the reader's own. From 0 on: all
   * who are not offline.
   */
  async changes(
    reader: UserId,
    roomNids: readonly number[],
    from: number,
    to: number,
  ): Promise<UserPresence[]> {
    return this.rows()
      .where('p.position', '>', from)
      .where('p.position', '<=', to)
      .$if(from === 0, (query) => query.where('p.presence', '<>', 'offline'))
      .where((where) =>
        where.or([
          where('p.user_id', '=', reader),
          where.exists(
            where
              .selectFrom('state_keys as k')
              .innerJoin('memberships as m', 'm.user_nid', 'k.state_key_nid')
              .select(sql.lit(1).as('one'))
              .whereRef('k.state_key', '=', 'p.user_id')
              .where('m.membership', '=', 'join')
              .where('m.room_nid', '=', anyOf(roomNids)),
          ),
        ]),
      )
      .execute();
  }

  /** Those who are in one of the rooms and not offline, as of position `to`. */
  async inRooms(roomNids: readonly number[], to: number): Promise<UserPresence[]> {
    return this.rows()
      .innerJoin('state_keys as k', 'k.state_key', 'p.user_id')
      .innerJoin('memberships as m', 'm.user_nid', 'k.state_key_nid')
      .distinct()
      .where('m.room_nid', '=', anyOf(roomNids))
      .where('m.membership', '=', 'join')
      .where('p.presence', '<>', 'offline')
      .where('p.position', '<=', to)
      .execute();
  }

  /** Those whose membership in one of the rooms changed between two positions of the events stream, as of position `to`. */
  async ofNewMembers(
    roomNids: readonly number[],
    events: { readonly from: number; readonly to: number },
    to: number,
  ): Promise<UserPresence[]> {
    return this.rows()
      .innerJoin('state_keys as k', 'k.state_key', 'p.user_id')
      .innerJoin('room_state as s', 's.state_key_nid', 'k.state_key_nid')
      .innerJoin('memberships as m', (join) =>
        join.onRef('m.user_nid', '=', 's.state_key_nid').onRef('m.room_nid', '=', 's.room_nid'),
      )
      .distinct()
      .where('s.room_nid', '=', anyOf(roomNids))
      .where('s.type_nid', '=', EVENT_TYPE_NIDS['m.room.member'])
      .where('s.from_position', '>', events.from)
      .where('s.from_position', '<=', events.to)
      .where('m.membership', '=', 'join')
      .where('p.position', '<=', to)
      .execute();
  }

  /**
   * Users who are not offline, in the order of their ids: those of this server or those of others.
   * @param after the last one of the page before, '' for the first page
   * @param heardBefore ms since 1970: only those not heard of since
   */
  async notOffline(
    { isLocal, after, heardBefore = Number.MAX_SAFE_INTEGER }: NotOfflineQuery,
    limit: number,
  ): Promise<KnownPresence[]> {
    return this.database.db
      .selectFrom('presence as p')
      .select(knownPresenceColumns)
      .where('p.is_local', '=', isLocal)
      .where('p.presence', '<>', 'offline')
      .where('p.user_id', '>', after as UserId)
      .where('p.updated_ts', '<', heardBefore)
      .orderBy('p.user_id')
      .limit(limit)
      .execute();
  }

  /** Whether a user is told of another's presence: both are in one room. */
  async sharesRoom(reader: UserId, userId: UserId): Promise<boolean> {
    const row = await this.joined()
      .innerJoin('memberships as o', 'o.room_nid', 'm.room_nid')
      .innerJoin('state_keys as ok', 'ok.state_key_nid', 'o.user_nid')
      .select('m.room_nid')
      .where('k.state_key', '=', userId)
      .where('ok.state_key', '=', reader)
      .where('o.membership', '=', 'join')
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Those of the users who are in a room with a user of the server. */
  async sharingWith(serverName: ServerName, userIds: readonly UserId[]): Promise<UserId[]> {
    const rows = await this.joined()
      .select('k.state_key as userId')
      .distinct()
      .where('k.state_key', '=', anyOf<string>(userIds))
      .where((where) =>
        where.exists(
          where
            .selectFrom('memberships as o')
            .innerJoin('state_keys as ok', 'ok.state_key_nid', 'o.user_nid')
            .select(sql.lit(1).as('one'))
            .whereRef('o.room_nid', '=', 'm.room_nid')
            .where('o.membership', '=', 'join')
            .where(serverOf('ok.state_key'), '=', serverName),
        ),
      )
      .execute();
    return rows.map((row) => row.userId as UserId);
  }

  private joined() {
    return this.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
      .where('m.membership', '=', 'join');
  }

  private rows() {
    return this.database.db.selectFrom('presence as p').select(userPresenceColumns);
  }
}
