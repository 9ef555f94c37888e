import type { UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import type { BackedUpKey, KeyBackup, KeyBackupName, KeyScope } from './backed-up-key.js';

/** Reads the backups of room keys. */
export class KeyBackupReader {
  constructor(private readonly database: Database) {}

  /** The newest version of those that were not deleted. */
  async latest(userId: UserId): Promise<KeyBackup | undefined> {
    return this.versionsOf(userId).orderBy('version', 'desc').limit(1).executeTakeFirst();
  }

  async find({ userId, version }: KeyBackupName): Promise<KeyBackup | undefined> {
    return this.versionsOf(userId).where('version', '=', version).executeTakeFirst();
  }

  /** Up to `limit` keys in the order of rooms and sessions, which follow `after`. */
  async keys(
    { userId, version }: KeyBackupName,
    { roomId, sessionId }: KeyScope,
    limit: number,
    after?: BackedUpKey,
  ): Promise<BackedUpKey[]> {
    let query = this.database.db
      .selectFrom('backed_up_keys')
      .select([
        'room_id as roomId',
        'session_id as sessionId',
        'first_message_index as firstMessageIndex',
        'forwarded_count as forwardedCount',
        'is_verified as isVerified',
        'session_data as sessionData',
      ])
      .where('user_id', '=', userId)
      .where('version', '=', version);
    if (roomId !== undefined) query = query.where('room_id', '=', roomId);
    if (sessionId !== undefined) query = query.where('session_id', '=', sessionId);
    if (after)
      query = query.where(sql<boolean>`(room_id, session_id) > (${after.roomId}, ${after.sessionId})`);
    return query.orderBy('room_id').orderBy('session_id').limit(limit).execute();
  }

  private versionsOf(userId: UserId) {
    return this.database.db
      .selectFrom('key_backups')
      .select(['version', 'algorithm', 'auth_data as authData', 'key_count as count', 'etag'])
      .where('user_id', '=', userId);
  }
}
