import type { UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { ClosingStatements, TakenPositions } from '../closing-statements.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { readTyping } from './typing-reader.js';

/** Of one room; clients show a few. */
const MAX_TYPING = 100;

/** Somebody types until then, ms since 1970, or no longer. */
export interface TypingChange {
  readonly roomNid: number;
  readonly userId: UserId;
  readonly until: number | undefined;
}

/** Writes the `typing` stream. */
export class TypingTransactor {
  constructor(
    private readonly transaction: Transaction<DatabaseSchema>,
    private readonly closing: ClosingStatements,
  ) {}

  /**
   * Says who types, until when, or no longer. Somebody who goes on typing, or who types as one too many, changes nothing that others
   * see.
   * @param now ms since 1970
   * @returns the position that the changed rooms have after the commit, as `at(0)`; undefined when nothing changed that others see
   */
  async set(changes: readonly TypingChange[], now: number): Promise<TakenPositions | undefined> {
    await this.forgetDurability();
    // In one order for everybody, so that no two transactions wait for each other.
    const rooms = [...Map.groupBy(changes, ({ roomNid }) => roomNid)].toSorted(([a], [b]) => a - b);
    const changed: number[] = [];
    for (const [roomNid, ofRoom] of rooms) {
      const before = await this.lock(roomNid);
      const users = stillTyping(before, now);
      for (const { userId, until } of ofRoom) {
        if (until === undefined) users.delete(userId);
        else if (users.has(userId) || users.size < MAX_TYPING) users.set(userId, until);
      }
      await this.write(roomNid, users);
      if (!haveSameKeys(before, users)) changed.push(roomNid);
    }
    return changed.length === 0 ? undefined : this.move(changed);
  }

  /**
   * Ends what is over by now, in at most `limit` rooms.
   * @returns their new position as `at(0)`; undefined when there were none
   */
  async expire(now: number, limit: number): Promise<TakenPositions | undefined> {
    await this.forgetDurability();
    const rows = await this.transaction
      .selectFrom('typing')
      .select(['room_nid', 'users'])
      .where('expires_at', '<=', now)
      .orderBy('room_nid')
      .limit(limit)
      .forUpdate()
      .skipLocked()
      .execute();
    for (const { room_nid, users } of rows) await this.write(room_nid, stillTyping(readTyping(users), now));
    return rows.length === 0 ? undefined : this.move(rows.map((row) => row.room_nid));
  }

  /** Nothing is lost with these rows: their commits need not wait for the disk. */
  private async forgetDurability(): Promise<void> {
    await sql`SET LOCAL synchronous_commit = off`.execute(this.transaction);
  }

  private async lock(roomNid: number): Promise<Map<UserId, number>> {
    await this.transaction
      .insertInto('typing')
      .values({ room_nid: roomNid, users: '{}', expires_at: null, position: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const row = await this.transaction
      .selectFrom('typing')
      .select('users')
      .where('room_nid', '=', roomNid)
      .forUpdate()
      .executeTakeFirstOrThrow();
    return readTyping(row.users);
  }

  private async write(roomNid: number, users: ReadonlyMap<UserId, number>): Promise<void> {
    await this.transaction
      .updateTable('typing')
      .set({
        users: JSON.stringify(Object.fromEntries(users)),
        expires_at: users.size === 0 ? null : Math.min(...users.values()),
      })
      .where('room_nid', '=', roomNid)
      .execute();
  }

  private move(roomNids: readonly number[]): TakenPositions {
    const positions = this.closing.take('typing', 1);
    this.closing.add(
      this.transaction
        .updateTable('typing')
        .set({ position: positions.sql(0) })
        .where('room_nid', 'in', roomNids),
    );
    return positions;
  }
}

function stillTyping(users: ReadonlyMap<UserId, number>, now: number): Map<UserId, number> {
  return new Map([...users].filter(([, until]) => until > now));
}

function haveSameKeys(a: ReadonlyMap<UserId, number>, b: ReadonlyMap<UserId, number>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}
