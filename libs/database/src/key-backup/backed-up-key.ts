import type { RoomId, UserId } from '@atoll/matrix';

/** One version of a user's backups. */
export interface KeyBackupName {
  readonly userId: UserId;
  readonly version: number;
}

/** A version as clients see it. */
export interface KeyBackup {
  readonly version: number;
  readonly algorithm: string;
  /** JSON object */
  readonly authData: string;
  readonly count: number;
  /** Counts the changes of the keys. */
  readonly etag: number;
}

/** The key of one session, encrypted by a client. */
export interface BackedUpKey {
  readonly roomId: RoomId;
  readonly sessionId: string;
  readonly firstMessageIndex: number;
  readonly forwardedCount: number;
  readonly isVerified: boolean;
  /** JSON object */
  readonly sessionData: string;
}

/** The keys of a backup that are meant: all, those of a room, or that of one session. */
export interface KeyScope {
  readonly roomId?: RoomId | undefined;
  readonly sessionId?: string | undefined;
}
