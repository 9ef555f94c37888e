import type { UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { ClosingStatements, TakenPositions } from '../closing-statements.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { type KnownPresence, knownPresenceColumns } from './presence-reader.js';

/** What becomes of a user's presence; undefined to leave it as it is. Of a user of whom nothing is known it is given offline. */
export type PresenceChange = (before: KnownPresence) => KnownPresence | undefined;

/** Writes the `presence` stream. */
export class PresenceTransactor {
  constructor(
    private readonly transaction: Transaction<DatabaseSchema>,
    private readonly closing: ClosingStatements,
  ) {}

  /**
   * Changes the presence of users, all of them of this server or none. What only tells when a user was last active or heard of is kept
   * but gets no new position: nobody is woken for it.
   * @returns the position that all who changed visibly have after the commit, as `at(0)`; undefined when nobody did
   */
  async change(
    userIds: readonly UserId[],
    isLocal: boolean,
    change: PresenceChange,
  ): Promise<TakenPositions | undefined> {
    const changes = (await this.lock(userIds, isLocal)).flatMap((before) => {
      const after = change(before);
      return after === undefined ? [] : [{ before, after }];
    });
    if (changes.length === 0) return undefined;
    await this.write(changes.map(({ after }) => after));
    const moved = changes.filter(({ before, after }) => isVisible(before, after));
    if (moved.length === 0) return undefined;
    return this.place(moved.map(({ after }) => after.userId));
  }

  /**
   * Has the presence of a user of this server told once more, as it is: what is told with it has changed.
   * @returns the position that it has after the commit, as `at(0)`
   */
  async tellAgain(userId: UserId): Promise<TakenPositions> {
    await this.lock([userId], true);
    return this.place([userId]);
  }

  private place(userIds: readonly UserId[]): TakenPositions {
    const positions = this.closing.take('presence', 1);
    this.closing.add(
      this.transaction
        .updateTable('presence')
        .set({ position: positions.sql(0) })
        .where('user_id', 'in', userIds),
    );
    return positions;
  }

  /** In one order for everybody, so that no two transactions wait for each other. */
  private async lock(userIds: readonly UserId[], isLocal: boolean): Promise<KnownPresence[]> {
    const sorted = [...new Set(userIds)].toSorted((a, b) => (a < b ? -1 : 1));
    if (sorted.length === 0) return [];
    await sql`
      INSERT INTO presence (user_id, is_local, presence, last_active_ts, currently_active, updated_ts, position)
      SELECT user_id, ${isLocal}, 'offline', 0, false, 0, 0 FROM unnest(${sorted}::text[]) AS user_id
      ON CONFLICT DO NOTHING`.execute(this.transaction);
    return this.transaction
      .selectFrom('presence as p')
      .select(knownPresenceColumns)
      .where('p.user_id', '=', anyOf(sorted))
      .orderBy('p.user_id')
      .forUpdate()
      .execute();
  }

  private async write(rows: readonly KnownPresence[]): Promise<void> {
    const column = <K extends keyof KnownPresence>(key: K) => rows.map((row) => row[key]);
    await sql`
      UPDATE presence AS p SET presence = new.presence, status_msg = new.status_msg, last_active_ts = new.last_active_ts,
        currently_active = new.currently_active, updated_ts = new.updated_ts
      FROM unnest(${column('userId')}::text[], ${column('presence')}::text[], ${column('statusMsg')}::text[],
        ${column('lastActiveTs')}::bigint[], ${column('currentlyActive')}::boolean[], ${column('updatedTs')}::bigint[])
        AS new (user_id, presence, status_msg, last_active_ts, currently_active, updated_ts)
      WHERE p.user_id = new.user_id`.execute(this.transaction);
  }
}

function isVisible(before: KnownPresence, after: KnownPresence): boolean {
  return (
    before.presence !== after.presence ||
    before.statusMsg !== after.statusMsg ||
    before.currentlyActive !== after.currentlyActive
  );
}
