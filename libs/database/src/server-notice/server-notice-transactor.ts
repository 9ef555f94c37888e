import type { UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import { NOW_MS } from '../delayed-event/delayed-event.js';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** What an operator wants users to know. */
export interface NewServerNotice {
  /** Asked for again under the same id, it is not sent again. */
  readonly noticeId: string;
  readonly body: string;
}

/** Writes notices that are to be delivered. */
export class ServerNoticeTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /**
   * For one user, or for everybody who has an account and has not deactivated it. Guests are told nothing: they could not join the room.
   * @param senderId who is told nothing: the notices are the sender's own
   * @returns how many users will be told; undefined when there was a notice of that id
   */
  async add(
    { noticeId, body }: NewServerNotice,
    to: UserId | 'all',
    senderId: UserId,
  ): Promise<number | undefined> {
    const added = await this.transaction
      .insertInto('server_notices')
      .values({ notice_id: noticeId, body, created_ts: NOW_MS })
      .onConflict((conflict) => conflict.column('notice_id').doNothing())
      .returning('notice_nid')
      .executeTakeFirst();
    if (added === undefined) return undefined;
    const { numInsertedOrUpdatedRows } = await this.transaction
      .insertInto('server_notice_deliveries')
      .columns(['user_id', 'notice_nid', 'next_try_ts'])
      .expression((eb) =>
        eb
          .selectFrom('users')
          .select(['user_id', sql<number>`${added.notice_nid}::bigint`.as('notice_nid'), NOW_MS.as('now')])
          .where('is_deactivated', '=', false)
          .where('is_guest', '=', false)
          .where('user_id', '<>', senderId)
          .$if(to !== 'all', (query) => query.where('user_id', '=', to as UserId)),
      )
      .executeTakeFirst();
    return Number(numInsertedOrUpdatedRows ?? 0);
  }
}
