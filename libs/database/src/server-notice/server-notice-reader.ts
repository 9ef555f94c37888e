import type { RoomId, UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Where a user is told notices. */
export interface NoticesRoom {
  readonly roomId: RoomId;
  /** Whose room it is. */
  readonly senderId: UserId;
}

/** A notice, and whom it has not reached. */
export interface NoticeProgress {
  readonly noticeId: string;
  readonly createdTs: number;
  readonly waiting: number;
  readonly givenUp: number;
}

/** Reads notices of the server to its users. */
export class ServerNoticeReader {
  constructor(private readonly database: Database) {}

  /** Undefined for a user who was never told anything. Whether the user is in the room is another question. */
  async roomOf(userId: UserId): Promise<NoticesRoom | undefined> {
    return this.database.db
      .selectFrom('server_notice_rooms')
      .select(['room_id as roomId', 'sender_id as senderId'])
      .where('user_id', '=', userId)
      .executeTakeFirst();
  }

  /** The newest notices first. */
  async newest(limit: number): Promise<NoticeProgress[]> {
    return this.database.db
      .selectFrom('server_notices as n')
      .leftJoin('server_notice_deliveries as d', 'd.notice_nid', 'n.notice_nid')
      .select(({ fn }) => [
        'n.notice_id as noticeId',
        'n.created_ts as createdTs',
        fn.count<number>('d.next_try_ts').as('waiting'),
        fn.count<number>('d.user_id').filterWhere('d.next_try_ts', 'is', null).as('givenUp'),
      ])
      .groupBy('n.notice_nid')
      .orderBy('n.notice_nid', 'desc')
      .limit(limit)
      .execute();
  }
}
