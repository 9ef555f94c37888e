import type { RoomId, UserId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** A room that this server knows. */
export interface RoomRecord {
  readonly roomNid: number;
  readonly roomId: RoomId;
  readonly version: string;
  readonly partition: number;
  /** Published in this server's room directory. */
  readonly inDirectory: boolean;
}

export type Membership = 'join' | 'invite' | 'knock' | 'leave' | 'ban';

/** The newest membership of a user in a room; somebody who never had one has no record. */
export interface MembershipRecord {
  readonly roomNid: number;
  readonly membership: Membership;
  readonly eventNid: number;
  /** Of the member event that gave it; a changed display name counts. */
  readonly position: number;
  readonly forgotten: boolean;
}

export interface MemberCounts {
  readonly joined: number;
  readonly invited: number;
}

/** Rooms and who is in them now. */
export class RoomReader {
  constructor(private readonly database: Database) {}

  async byId(roomId: RoomId): Promise<RoomRecord | undefined> {
    return this.rooms().where('rooms.room_id', '=', roomId).executeTakeFirst();
  }

  /** Those of the rooms that exist, in the given order. */
  async byIds(roomIds: readonly RoomId[]): Promise<RoomRecord[]> {
    const rows = await this.rooms().where('rooms.room_id', '=', anyOf(roomIds)).execute();
    const found = new Map(rows.map((row) => [row.roomId, row]));
    return roomIds.flatMap((roomId) => found.get(roomId) ?? []);
  }

  /** The rooms that exist, by nid. */
  async byNids(roomNids: readonly number[]): Promise<Map<number, RoomRecord>> {
    const rows = await this.rooms().where('rooms.room_nid', '=', anyOf(roomNids)).execute();
    return new Map(rows.map((row) => [row.roomNid, row]));
  }

  async membershipOf(userId: UserId, roomNid: number): Promise<MembershipRecord | undefined> {
    return this.memberships(userId).where('m.room_nid', '=', roomNid).executeTakeFirst();
  }

  /** Every room in which the user has a membership, those that were left or forgotten among them. */
  async membershipsOf(userId: UserId): Promise<MembershipRecord[]> {
    return this.memberships(userId).execute();
  }

  /** The user's memberships in those of the rooms where there is one. */
  async membershipsIn(userId: UserId, roomIds: readonly RoomId[]): Promise<Map<RoomId, Membership>> {
    const rows = await this.memberships(userId)
      .innerJoin('rooms', 'rooms.room_nid', 'm.room_nid')
      .select('rooms.room_id as roomId')
      .where('rooms.room_id', '=', anyOf(roomIds))
      .execute();
    return new Map(rows.map(({ roomId, membership }) => [roomId, membership]));
  }

  /** The rooms that the user is joined to. */
  async joinedRooms(userId: UserId): Promise<RoomRecord[]> {
    return this.rooms()
      .innerJoin('memberships as m', 'm.room_nid', 'rooms.room_nid')
      .innerJoin('state_keys as user', 'user.state_key_nid', 'm.user_nid')
      .where('user.state_key', '=', userId)
      .where('m.membership', '=', 'join')
      .execute();
  }

  /** How many are joined and invited now, by room nid; a room that nobody is in has no entry. */
  async memberCounts(roomNids: readonly number[]): Promise<Map<number, MemberCounts>> {
    const rows = await this.database.db
      .selectFrom('memberships')
      .select(({ fn }) => ['room_nid', 'membership', fn.countAll<number>().as('count')])
      .where('room_nid', '=', anyOf(roomNids))
      .where('membership', 'in', ['join', 'invite'])
      .groupBy(['room_nid', 'membership'])
      .execute();
    const counts = new Map<number, { joined: number; invited: number }>();
    for (const row of rows) {
      const entry = counts.get(row.room_nid) ?? { joined: 0, invited: 0 };
      entry[row.membership === 'join' ? 'joined' : 'invited'] = row.count;
      counts.set(row.room_nid, entry);
    }
    return counts;
  }

  private rooms() {
    return this.database.db
      .selectFrom('rooms')
      .select([
        'rooms.room_nid as roomNid',
        'rooms.room_id as roomId',
        'rooms.version',
        'rooms.partition',
        'rooms.in_directory as inDirectory',
      ]);
  }

  private memberships(userId: UserId) {
    return this.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as user', 'user.state_key_nid', 'm.user_nid')
      .select([
        'm.room_nid as roomNid',
        'm.membership',
        'm.event_nid as eventNid',
        'm.position',
        'm.forgotten',
      ])
      .where('user.state_key', '=', userId);
  }
}
