import type { RoomId, UserId } from '@atoll/matrix';
import type { Generated } from 'kysely';

/** The newest version that a user ever made; the row is the lock of all that is written to the user's backups. */
export interface KeyBackupCountersTable {
  user_id: UserId;
  last_version: number;
}

/** The versions that were not deleted. */
export interface KeyBackupsTable {
  user_id: UserId;
  version: number;
  algorithm: string;
  /** JSON object */
  auth_data: string;
  key_count: Generated<number>;
  key_bytes: Generated<number>;
  /** Counts the changes of the keys. */
  etag: Generated<number>;
}

export interface BackedUpKeysTable {
  user_id: UserId;
  version: number;
  room_id: RoomId;
  session_id: string;
  first_message_index: number;
  forwarded_count: number;
  is_verified: boolean;
  /** JSON object */
  session_data: string;
}
