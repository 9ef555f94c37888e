import type { UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { NOW_MS } from '../delayed-event/delayed-event.js';
import type { Database } from '../open-database.js';
import type { NoticesRoom } from './server-notice-reader.js';

/** A notice that the caller has to bring to a user now. Nobody else does, as long as the claim lasts. */
export interface ClaimedNotice {
  readonly userId: UserId;
  readonly noticeNid: number;
  readonly noticeId: string;
  readonly body: string;
  /** The number of the claim. */
  readonly attempt: number;
  /** How many tries before were refused. */
  readonly refusals: number;
}

/** Hands out notices to be delivered, each user's one after the other, and notes how it went. */
export class ServerNoticeDeliveryTransactor {
  constructor(private readonly database: Database) {}

  /** Claims what is due. A notice of whose claim nothing was heard is handed out again when the claim has run out. */
  async claimDue(limit: number, claimMs: number): Promise<ClaimedNotice[]> {
    return this.database.db
      .with('due', (db) =>
        db
          .selectFrom('server_notice_deliveries as d')
          .select(['d.user_id', 'd.notice_nid'])
          .where('d.next_try_ts', '<=', NOW_MS)
          .where((eb) =>
            eb.not(
              eb.exists(
                eb
                  .selectFrom('server_notice_deliveries as before')
                  .select('before.user_id')
                  .whereRef('before.user_id', '=', 'd.user_id')
                  .whereRef('before.notice_nid', '<', 'd.notice_nid')
                  .where('before.next_try_ts', 'is not', null),
              ),
            ),
          )
          .orderBy('d.next_try_ts')
          .limit(limit)
          .forUpdate('d')
          .skipLocked(),
      )
      .updateTable('server_notice_deliveries as d')
      .from(['due', 'server_notices as n'])
      .set((eb) => ({
        attempts: eb('d.attempts', '+', 1),
        next_try_ts: sql<number>`${NOW_MS} + ${claimMs}::bigint`,
      }))
      .whereRef('d.user_id', '=', 'due.user_id')
      .whereRef('d.notice_nid', '=', 'due.notice_nid')
      .whereRef('n.notice_nid', '=', 'd.notice_nid')
      .returning([
        'd.user_id as userId',
        'd.notice_nid as noticeNid',
        'n.notice_id as noticeId',
        'n.body',
        'd.attempts as attempt',
        'd.refusals',
      ])
      .execute();
  }

  /** Whoever delivered it is right: it is the same event every time. */
  async delivered({ userId, noticeNid }: ClaimedNotice): Promise<void> {
    await this.database.db
      .deleteFrom('server_notice_deliveries')
      .where('user_id', '=', userId)
      .where('notice_nid', '=', noticeNid)
      .execute();
  }

  /** @param refusals so far */
  async tryAgainAfter(notice: ClaimedNotice, ms: number, refusals: number): Promise<void> {
    await this.claimOf(notice)
      .set({ next_try_ts: sql<number>`${NOW_MS} + ${ms}::bigint`, refusals })
      .execute();
  }

  /** Nobody tries it any more, and it holds up none that come after it. */
  async giveUp(notice: ClaimedNotice): Promise<void> {
    await this.claimOf(notice).set({ next_try_ts: null }).execute();
  }

  /** From now on the user is told in this room. */
  async rememberRoom(userId: UserId, { roomId, senderId }: NoticesRoom): Promise<void> {
    const room = { room_id: roomId, sender_id: senderId };
    await this.database.db
      .insertInto('server_notice_rooms')
      .values({ user_id: userId, ...room })
      .onConflict((conflict) => conflict.column('user_id').doUpdateSet(room))
      .execute();
  }

  private claimOf({ userId, noticeNid, attempt }: ClaimedNotice) {
    return this.database.db
      .updateTable('server_notice_deliveries')
      .where('user_id', '=', userId)
      .where('notice_nid', '=', noticeNid)
      .where('attempts', '=', attempt);
  }
}
