import type { EventId, UserId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import type { ReceiptType } from '../schema/ephemeral.table.js';

/** How far a user has read in a room, or in one of its threads. */
export interface Receipt {
  readonly roomNid: number;
  readonly userId: UserId;
  readonly type: ReceiptType;
  /** `main` or a thread's root; '' for an unthreaded one. */
  readonly threadId: string;
  readonly eventId: EventId;
  /** ms since 1970 */
  readonly ts: number;
}

/** Reads the `receipts` stream. */
export class ReceiptReader {
  constructor(private readonly database: Database) {}

  /** Those of the rooms in which a receipt that the user may see changed after `from` up to `to`. */
  async changedRooms(
    reader: UserId,
    roomNids: readonly number[],
    from: number,
    to: number,
  ): Promise<Set<number>> {
    const rows = await this.seenBy(reader, roomNids)
      .select('room_nid')
      .distinct()
      .where('position', '>', from)
      .where('position', '<=', to)
      .execute();
    return new Set(rows.map((row) => row.room_nid));
  }

  /** Those of the rooms in which the user's own receipts changed after `from` up to `to`. */
  async readRooms(
    userId: UserId,
    roomNids: readonly number[],
    from: number,
    to: number,
  ): Promise<Set<number>> {
    const rows = await this.database.db
      .selectFrom('receipts')
      .select('room_nid')
      .distinct()
      .where('room_nid', '=', anyOf(roomNids))
      .where('user_id', '=', userId)
      .where('position', '>', from)
      .where('position', '<=', to)
      .execute();
    return new Set(rows.map((row) => row.room_nid));
  }

  /**
   * The receipts in the rooms that changed after `from` up to `to`, everything with `from` 0: the public ones, and the user's own.
   * One that changed again after `to` is missing here and comes with the next range.
   */
  async changes(reader: UserId, roomNids: readonly number[], from: number, to: number): Promise<Receipt[]> {
    return this.receiptsSeenBy(reader, roomNids)
      .where('position', '>', from)
      .where('position', '<=', to)
      .execute();
  }

  /** The receipts in the rooms, up to `to`, at some events, and all that are the reader's own. */
  async atEvents(
    reader: UserId,
    roomNids: readonly number[],
    eventIds: readonly EventId[],
    to: number,
  ): Promise<Receipt[]> {
    if (roomNids.length === 0) return [];
    return this.receiptsSeenBy(reader, roomNids)
      .where('position', '<=', to)
      .where((where) => where.or([where('event_id', '=', anyOf(eventIds)), where('user_id', '=', reader)]))
      .execute();
  }

  private receiptsSeenBy(reader: UserId, roomNids: readonly number[]) {
    return this.seenBy(reader, roomNids).select([
      'room_nid as roomNid',
      'user_id as userId',
      'receipt_type as type',
      'thread_id as threadId',
      'event_id as eventId',
      'ts',
    ]);
  }

  private seenBy(reader: UserId, roomNids: readonly number[]) {
    return this.database.db
      .selectFrom('receipts')
      .where('room_nid', '=', anyOf(roomNids))
      .where((where) => where.or([where('receipt_type', '=', 'm.read'), where('user_id', '=', reader)]));
  }
}
