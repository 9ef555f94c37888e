import type { UserId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** Who types in a room, each with the time, ms since 1970, at which that ends. */
export interface RoomTyping {
  readonly roomNid: number;
  readonly users: ReadonlyMap<UserId, number>;
}

/** Reads the `typing` stream. */
export class TypingReader {
  constructor(private readonly database: Database) {}

  /**
   * The rooms in which somebody began or stopped typing after `from` up to `to`. One that changed again after `to` is missing here
   * and comes with the next range.
   */
  async changes(roomNids: readonly number[], from: number, to: number): Promise<RoomTyping[]> {
    const rows = await this.database.db
      .selectFrom('typing')
      .select(['room_nid', 'users'])
      .where('room_nid', '=', anyOf(roomNids))
      .where('position', '>', from)
      .where('position', '<=', to)
      .execute();
    return rows.map(({ room_nid, users }) => ({ roomNid: room_nid, users: readTyping(users) }));
  }

  /** Whether somebody's time is over, ms since 1970. */
  async isExpiring(now: number): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('typing')
      .select('room_nid')
      .where('expires_at', '<=', now)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }
}

/** Reads the `users` column. */
export function readTyping(users: string): Map<UserId, number> {
  return new Map(Object.entries(JSON.parse(users) as Record<UserId, number>) as [UserId, number][]);
}
