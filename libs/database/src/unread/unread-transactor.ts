import type { UnreadChange, UnreadCount } from '@atoll/push-rules';
import { sql, type Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** A user in a room. */
export interface UnreadPlace {
  readonly userNid: number;
  readonly roomNid: number;
}

/** The writes of the push service. The transaction must be fenced for every partition they touch. */
export class UnreadTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** Takes what a stretch of events changes into the counts. Doing it twice counts twice: move the cursors with it. */
  async change(
    changes: readonly (UnreadPlace & Pick<UnreadChange, 'forgetsRoom' | 'forgotten' | 'added'>)[],
  ): Promise<void> {
    await this.forgetRooms(changes.filter(({ forgetsRoom }) => forgetsRoom));
    await this.forgetThreads(
      changes.flatMap(({ userNid, roomNid, forgotten }) =>
        Array.from(forgotten, (thread) => ({ userNid, roomNid, thread })),
      ),
    );
    const added = changes.flatMap(({ userNid, roomNid, added: ofPlace }) =>
      Array.from(ofPlace, ([thread, count]) => ({ userNid, roomNid, thread, ...count })),
    );
    if (added.length === 0) return;
    await sql`
      INSERT INTO unread_counts AS u (user_nid, room_nid, thread_nid, notify, highlight, since_position)
      ${rowsOf(added)}
      ON CONFLICT (user_nid, room_nid, thread_nid) DO UPDATE SET notify = u.notify + excluded.notify,
        highlight = u.highlight + excluded.highlight`.execute(this.transaction);
  }

  /** Puts counts in the place of all that users have in rooms. */
  async replace(
    places: readonly (UnreadPlace & { readonly unread: ReadonlyMap<number, UnreadCount> })[],
  ): Promise<void> {
    await this.forgetRooms(places);
    const rows = places.flatMap(({ userNid, roomNid, unread }) =>
      Array.from(unread, ([thread, count]) => ({ userNid, roomNid, thread, ...count })),
    );
    if (rows.length === 0) return;
    await sql`
      INSERT INTO unread_counts (user_nid, room_nid, thread_nid, notify, highlight, since_position)
      ${rowsOf(rows)}`.execute(this.transaction);
  }

  /** The streams are counted up to the positions in the rooms of these partitions. */
  async moveCursors(
    partitions: readonly number[],
    { events, receipts }: { readonly events: number; readonly receipts: number },
  ): Promise<void> {
    await sql`
      INSERT INTO push_cursors AS c (partition, events_position, receipts_position)
      SELECT unnest(${partitions}::int[]), ${events}::bigint, ${receipts}::bigint
      ON CONFLICT (partition) DO UPDATE SET events_position = greatest(c.events_position, excluded.events_position),
        receipts_position = greatest(c.receipts_position, excluded.receipts_position)`.execute(
      this.transaction,
    );
  }

  private async forgetRooms(places: readonly UnreadPlace[]): Promise<void> {
    if (places.length === 0) return;
    await sql`
      DELETE FROM unread_counts u
      USING unnest(${places.map(({ userNid }) => userNid)}::bigint[], ${places.map(({ roomNid }) => roomNid)}::bigint[])
        AS x(user_nid, room_nid)
      WHERE u.user_nid = x.user_nid AND u.room_nid = x.room_nid`.execute(this.transaction);
  }

  private async forgetThreads(
    threads: readonly (UnreadPlace & { readonly thread: number })[],
  ): Promise<void> {
    if (threads.length === 0) return;
    await sql`
      DELETE FROM unread_counts u
      USING unnest(${threads.map(({ userNid }) => userNid)}::bigint[], ${threads.map(({ roomNid }) => roomNid)}::bigint[],
        ${threads.map(({ thread }) => thread)}::bigint[]) AS x(user_nid, room_nid, thread_nid)
      WHERE u.user_nid = x.user_nid AND u.room_nid = x.room_nid AND u.thread_nid = x.thread_nid`.execute(
      this.transaction,
    );
  }
}

function rowsOf(rows: readonly (UnreadPlace & UnreadCount & { readonly thread: number })[]) {
  return sql`
    SELECT * FROM unnest(${rows.map(({ userNid }) => userNid)}::bigint[], ${rows.map(({ roomNid }) => roomNid)}::bigint[],
      ${rows.map(({ thread }) => thread)}::bigint[], ${rows.map(({ notify }) => notify)}::int[],
      ${rows.map(({ highlight }) => highlight)}::int[], ${rows.map(({ since }) => since)}::bigint[])`;
}
