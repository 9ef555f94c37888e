import { sql, type Transaction } from 'kysely';
import type { ClosingStatements, TakenPositions } from '../closing-statements.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { Receipt } from './receipt-reader.js';

/** A receipt to be kept. */
export interface NewReceipt extends Receipt {
  /** Where its event stands in the events stream; null when this server does not have it. */
  readonly eventPosition: number | null;
}

/** Writes the `receipts` stream. */
export class ReceiptTransactor {
  constructor(
    private readonly transaction: Transaction<DatabaseSchema>,
    private readonly closing: ClosingStatements,
  ) {}

  /**
   * Keeps those that go forward: one for an event that stands before the event of the receipt that is there changes nothing. Where
   * the place of either event is not known, the newer receipt counts. At most one for each user, type and thread of a room.
   * @returns the position that all of them have after the commit, as `at(0)`; undefined when nothing changed
   */
  async put(receipts: readonly NewReceipt[]): Promise<TakenPositions | undefined> {
    if (receipts.length === 0) return undefined;
    // In one order for everybody, so that no two transactions wait for each other.
    const rows = receipts
      .map(({ roomNid, userId, type, threadId, eventId, eventPosition, ts }) => ({
        room_nid: roomNid,
        user_id: userId,
        receipt_type: type,
        thread_id: threadId,
        event_id: eventId,
        event_position: eventPosition,
        ts,
        position: 0,
      }))
      .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const kept = await this.transaction
      .insertInto('receipts')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .columns(['room_nid', 'user_id', 'receipt_type', 'thread_id'])
          .doUpdateSet((eb) => ({
            event_id: eb.ref('excluded.event_id'),
            event_position: eb.ref('excluded.event_position'),
            ts: eb.ref('excluded.ts'),
          }))
          .where(
            sql<boolean>`coalesce(excluded.event_position > receipts.event_position, excluded.ts > receipts.ts)`,
          ),
      )
      .returning(['room_nid', 'user_id', 'receipt_type', 'thread_id'])
      .execute();
    if (kept.length === 0) return undefined;
    const positions = this.closing.take('receipts', 1);
    this.closing.add(
      this.transaction
        .updateTable('receipts')
        .set({ position: positions.sql(0) })
        .where((eb) =>
          eb(
            eb.refTuple('room_nid', 'user_id', 'receipt_type', 'thread_id'),
            'in',
            kept.map((row) => eb.tuple(row.room_nid, row.user_id, row.receipt_type, row.thread_id)),
          ),
        ),
    );
    return positions;
  }
}

function keyOf(row: { room_nid: number; user_id: string; receipt_type: string; thread_id: string }): string {
  return `${String(row.room_nid).padStart(16, '0')} ${row.user_id} ${row.receipt_type} ${row.thread_id}`;
}
