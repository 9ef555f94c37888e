import type { EventId, RoomId, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import { readTyping, type RoomTyping } from '../ephemeral/typing-reader.js';
import type { Database } from '../open-database.js';

/** A public receipt, as the federation sender needs it. */
export interface OutgoingReceipt {
  readonly position: number;
  readonly roomNid: number;
  readonly roomId: RoomId;
  readonly userId: UserId;
  /** '' for an unthreaded one. */
  readonly threadId: string;
  readonly eventId: EventId;
  readonly ts: number;
}

export interface OutgoingTyping extends RoomTyping {
  readonly position: number;
  readonly roomId: RoomId;
}

/** Follows receipts and typing for the federation sender: of all users, those of other servers among them. */
export class OutgoingEphemeralReader {
  constructor(private readonly database: Database) {}

  /** The next public receipts after a position: those of at least `limit` rows, and of whole commits. */
  async receipts(after: number, limit: number): Promise<OutgoingReceipt[]> {
    const { rows } = await sql<OutgoingReceipt & { type: string }>`
      SELECT s.position, s.room_nid AS "roomNid", r.room_id AS "roomId", s.user_id AS "userId", s.thread_id AS "threadId",
        s.event_id AS "eventId", s.ts
      FROM (SELECT * FROM receipts WHERE position > ${after}
        ORDER BY position FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES) AS s
      JOIN rooms r ON r.room_nid = s.room_nid
      WHERE s.receipt_type = 'm.read' ORDER BY s.position`.execute(this.database.db);
    return rows;
  }

  /** The next rooms after a position in which somebody began or stopped typing: at least `limit`, and of whole commits. */
  async typing(after: number, limit: number): Promise<OutgoingTyping[]> {
    const { rows } = await sql<Omit<OutgoingTyping, 'users'> & { users: string }>`
      SELECT t.position, t.room_nid AS "roomNid", r.room_id AS "roomId", t.users
      FROM typing t JOIN rooms r ON r.room_nid = t.room_nid
      WHERE t.position > ${after} ORDER BY t.position FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES`.execute(
      this.database.db,
    );
    return rows.map(({ users, ...row }) => ({ ...row, users: readTyping(users) }));
  }

  /** Who types in the rooms now. */
  async typingIn(roomNids: readonly number[]): Promise<RoomTyping[]> {
    const rows = await this.database.db
      .selectFrom('typing')
      .select(['room_nid', 'users'])
      .where('room_nid', '=', anyOf(roomNids))
      .execute();
    return rows.map(({ room_nid, users }) => ({ roomNid: room_nid, users: readTyping(users) }));
  }
}
