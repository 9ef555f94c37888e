import type { Pdu, RoomId, UserId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import type { Membership, MembershipRecord } from '../room/room-reader.js';
import { EVENT_TYPE_NIDS } from '../schema/event.table.js';

/** A user's membership in a room, as of a position. */
export interface SyncMembership extends MembershipRecord {
  readonly roomId: RoomId;
}

/** The rooms of a user as a sync sees them: as of its upper bound, whatever was committed since. */
export class SyncMembershipReader {
  constructor(private readonly database: Database) {}

  /** Every membership of the user as of a position, those left or forgotten among them. */
  async membershipsAt(userId: UserId, position: number): Promise<SyncMembership[]> {
    const rows = await this.newestQuery(userId).execute();
    const late = rows.filter((row) => row.position > position);
    if (late.length === 0) return rows;
    const earlier = await this.earlier(
      userId,
      late.map((row) => row.roomNid),
      position,
    );
    return rows.flatMap((row) => {
      if (row.position <= position) return [row];
      const then = earlier.get(row.roomNid);
      return then === undefined ? [] : [{ ...row, ...then }];
    });
  }

  /** @internal For the test that looks at its plan. */
  newestQuery(userId: UserId) {
    return this.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as user', 'user.state_key_nid', 'm.user_nid')
      .innerJoin('rooms as r', 'r.room_nid', 'm.room_nid')
      .select([
        'm.room_nid as roomNid',
        'r.room_id as roomId',
        'm.membership',
        'm.event_nid as eventNid',
        'm.position',
        'm.forgotten',
      ])
      .where('user.state_key', '=', userId);
  }

  private async earlier(userId: UserId, roomNids: readonly number[], position: number) {
    const rows = await this.database.db
      .selectFrom('room_state as s')
      .innerJoin('state_keys as user', 'user.state_key_nid', 's.state_key_nid')
      .innerJoin('events as e', 'e.event_nid', 's.event_nid')
      .select(['s.room_nid as roomNid', 'e.event_nid as eventNid', 'e.json', 's.from_position as position'])
      .where('user.state_key', '=', userId)
      .where('s.room_nid', '=', anyOf(roomNids))
      .where('s.type_nid', '=', EVENT_TYPE_NIDS['m.room.member'])
      .where('s.from_position', '<=', position)
      .where((or) => or.or([or('s.to_position', 'is', null), or('s.to_position', '>', position)]))
      .execute();
    return new Map(
      rows.map(({ json, ...row }) => {
        const { content } = JSON.parse(json) as Pdu;
        return [row.roomNid, { ...row, membership: content['membership'] as Membership }];
      }),
    );
  }
}
