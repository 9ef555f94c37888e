import type { EventId, RoomId, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** A thread of a room. */
export interface RoomThread {
  readonly roomNid: number;
  readonly rootId: EventId;
}

/** Somebody who is subscribed to a thread. */
export interface ThreadSubscriber extends RoomThread {
  readonly userId: UserId;
}

/** The newest state of a user's subscription to a thread. */
export interface ThreadSubscriptionChange {
  readonly roomId: RoomId;
  readonly rootId: EventId;
  /** Undefined when the user is not subscribed any more. */
  readonly automatic: boolean | undefined;
  readonly position: number;
}

/** A stretch of the stream, `after < position <= upTo`. */
export interface ThreadSubscriptionRange {
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/** Reads the `thread_subscriptions` stream. */
export class ThreadSubscriptionReader {
  constructor(private readonly database: Database) {}

  /** Those of the users who are subscribed to threads, of all of these at once. */
  async ofThreads(threads: readonly RoomThread[], users: readonly UserId[]): Promise<ThreadSubscriber[]> {
    if (threads.length === 0 || users.length === 0) return [];
    const { rows } = await sql<ThreadSubscriber>`
      SELECT s.room_nid AS "roomNid", s.root_event_id AS "rootId", s.user_id AS "userId"
      FROM unnest(${threads.map(({ roomNid }) => roomNid)}::bigint[], ${threads.map(({ rootId }) => rootId)}::text[])
        AS t(room_nid, root_event_id)
      JOIN thread_subscriptions s ON s.room_nid = t.room_nid AND s.root_event_id = t.root_event_id
      WHERE s.automatic IS NOT NULL AND s.user_id = ${anyOf(users)}`.execute(this.database.db);
    return rows;
  }

  /** Whether a client subscribed for the user, who was mentioned; undefined when the user is not subscribed. */
  async find(
    userId: UserId,
    roomNid: number,
    rootId: EventId,
  ): Promise<{ readonly automatic: boolean } | undefined> {
    return this.database.db
      .selectFrom('thread_subscriptions')
      .select('automatic')
      .where('room_nid', '=', roomNid)
      .where('root_event_id', '=', rootId)
      .where('user_id', '=', userId)
      .where('automatic', 'is not', null)
      .$narrowType<{ automatic: boolean }>()
      .executeTakeFirst();
  }

  /** The newest changes of a user's subscriptions in a range, the newest first. One that changed again after the range is missing. */
  async newestChanges(
    userId: UserId,
    { after, upTo, limit }: ThreadSubscriptionRange,
  ): Promise<ThreadSubscriptionChange[]> {
    const rows = await this.database.db
      .selectFrom('thread_subscriptions as s')
      .innerJoin('rooms as r', 'r.room_nid', 's.room_nid')
      .select(['r.room_id as roomId', 's.root_event_id as rootId', 's.automatic', 's.position'])
      .where('s.user_id', '=', userId)
      .where('s.position', '>', after)
      .where('s.position', '<=', upTo)
      .orderBy('s.position', 'desc')
      .limit(limit)
      .execute();
    return rows.map(({ automatic, ...row }) => ({ ...row, automatic: automatic ?? undefined }));
  }
}
