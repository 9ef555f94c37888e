import type { UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { BackedUpKey, KeyBackupName, KeyScope } from './backed-up-key.js';

/** How many keys a backup has after a change, and the count of its changes. */
export interface BackupState {
  readonly count: number;
  readonly etag: number;
}

/** What a user has in all versions together. */
export interface BackupUsage {
  readonly versions: number;
  readonly keys: number;
  readonly bytes: number;
}

/** Which versions there are. */
export interface BackupVersions {
  /** The newest that was not deleted. */
  readonly latest: number | undefined;
  /** The newest that ever was: those up to it which are not there were deleted. */
  readonly lastMade: number;
}

/** Writes the backups of room keys. All of it is meaningful while the user's backups are locked. */
export class KeyBackupTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** Holds back whoever else writes to backups of the user, until the transaction ends. */
  async lock(userId: UserId): Promise<BackupVersions> {
    const counter = await this.transaction
      .selectFrom('key_backup_counters')
      .select('last_version')
      .where('user_id', '=', userId)
      .forUpdate()
      .executeTakeFirst();
    if (!counter) return { latest: undefined, lastMade: 0 };
    const { latest } = await this.transaction
      .selectFrom('key_backups')
      .select(({ fn }) => fn.max<number | null>('version').as('latest'))
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow();
    return { latest: latest ?? undefined, lastMade: counter.last_version };
  }

  /** Makes the next version; locks the user's backups by itself. @returns its number */
  async create(userId: UserId, algorithm: string, authData: string): Promise<number> {
    const { last_version: version } = await this.transaction
      .insertInto('key_backup_counters')
      .values({ user_id: userId, last_version: 1 })
      .onConflict((conflict) =>
        conflict.column('user_id').doUpdateSet({ last_version: sql`key_backup_counters.last_version + 1` }),
      )
      .returning('last_version')
      .executeTakeFirstOrThrow();
    await this.transaction
      .insertInto('key_backups')
      .values({ user_id: userId, version, algorithm, auth_data: authData })
      .execute();
    return version;
  }

  async usage(userId: UserId): Promise<BackupUsage> {
    return this.transaction
      .selectFrom('key_backups')
      .select(({ fn }) => [
        fn.countAll<number>().as('versions'),
        sql<number>`coalesce(sum(key_count), 0)::bigint`.as('keys'),
        sql<number>`coalesce(sum(key_bytes), 0)::bigint`.as('bytes'),
      ])
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow();
  }

  /** Replaces the `auth_data` of a version. @returns the algorithm of it, which stays; undefined when there is no such version */
  async setAuthData({ userId, version }: KeyBackupName, authData: string): Promise<string | undefined> {
    const row = await this.transaction
      .updateTable('key_backups')
      .set({ auth_data: authData })
      .where('user_id', '=', userId)
      .where('version', '=', version)
      .returning('algorithm')
      .executeTakeFirst();
    return row?.algorithm;
  }

  /** Deletes a version with its keys, if it is there. */
  async delete({ userId, version }: KeyBackupName): Promise<void> {
    await this.transaction
      .deleteFrom('key_backups')
      .where('user_id', '=', userId)
      .where('version', '=', version)
      .execute();
  }

  /**
   * Stores keys, each session named once. Of two keys of a session that one stays which is verified, else begins earlier, else was
   * forwarded less often, else was there first.
   * @returns undefined when there is no such version
   * @see https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups
   */
  async putKeys(backup: KeyBackupName, keys: readonly BackedUpKey[]): Promise<BackupState | undefined> {
    const { rows } = await sql<Change>`
      WITH given AS (
        SELECT * FROM unnest(${keys.map(({ roomId }) => roomId)}::text[], ${keys.map(({ sessionId }) => sessionId)}::text[],
          ${keys.map(({ firstMessageIndex }) => firstMessageIndex)}::bigint[],
          ${keys.map(({ forwardedCount }) => forwardedCount)}::bigint[],
          ${keys.map(({ isVerified }) => isVerified)}::boolean[], ${keys.map(({ sessionData }) => sessionData)}::text[])
          AS k (room_id, session_id, first_message_index, forwarded_count, is_verified, session_data)),
      backup AS (SELECT user_id, version FROM key_backups WHERE user_id = ${backup.userId} AND version = ${backup.version}),
      before AS (
        SELECT b.room_id, b.session_id, octet_length(b.session_data) AS bytes
        FROM backup JOIN backed_up_keys b USING (user_id, version) JOIN given g USING (room_id, session_id)),
      stored AS (
        INSERT INTO backed_up_keys AS b (user_id, version, room_id, session_id, first_message_index, forwarded_count,
          is_verified, session_data)
        SELECT user_id, version, given.* FROM backup CROSS JOIN given
        ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE SET
          first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count,
          is_verified = excluded.is_verified, session_data = excluded.session_data
        WHERE (NOT excluded.is_verified, excluded.first_message_index, excluded.forwarded_count)
          < (NOT b.is_verified, b.first_message_index, b.forwarded_count)
        RETURNING b.room_id, b.session_id, octet_length(b.session_data) AS bytes)
      SELECT count(*) AS changed, count(*) FILTER (WHERE before.bytes IS NULL) AS keys,
        coalesce(sum(stored.bytes - coalesce(before.bytes, 0)), 0)::bigint AS bytes
      FROM stored LEFT JOIN before USING (room_id, session_id)`.execute(this.transaction);
    return this.record(backup, rows[0]);
  }

  /** @returns undefined when there is no such version */
  async deleteKeys(backup: KeyBackupName, { roomId, sessionId }: KeyScope): Promise<BackupState | undefined> {
    const { rows } = await sql<Change>`
      WITH deleted AS (
        DELETE FROM backed_up_keys WHERE user_id = ${backup.userId} AND version = ${backup.version}
          ${roomId === undefined ? sql`` : sql`AND room_id = ${roomId}`}
          ${sessionId === undefined ? sql`` : sql`AND session_id = ${sessionId}`}
        RETURNING octet_length(session_data) AS bytes)
      SELECT count(*) AS changed, -count(*) AS keys, coalesce(-sum(bytes), 0)::bigint AS bytes FROM deleted`.execute(
      this.transaction,
    );
    return this.record(backup, rows[0]);
  }

  private async record(
    { userId, version }: KeyBackupName,
    { changed, keys, bytes }: Change = { changed: 0, keys: 0, bytes: 0 },
  ): Promise<BackupState | undefined> {
    return this.transaction
      .updateTable('key_backups')
      .set({
        key_count: sql`key_count + ${keys}`,
        key_bytes: sql`key_bytes + ${bytes}`,
        etag: sql`etag + ${changed > 0 ? 1 : 0}`,
      })
      .where('user_id', '=', userId)
      .where('version', '=', version)
      .returning(['key_count as count', 'etag'])
      .executeTakeFirst();
  }
}

interface Change {
  readonly changed: number;
  readonly keys: number;
  readonly bytes: number;
}
