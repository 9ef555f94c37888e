import type { Generated } from 'kysely';
import type { DeviceId, UserId } from '@atoll/matrix';

export interface UsersTable {
  user_id: UserId;
  /** Argon2id in its own text form; null when nobody can log in by password. */
  password_hash: string | null;
  is_admin: Generated<boolean>;
  is_deactivated: Generated<boolean>;
  /** Without a password, and with a part of the API only. */
  is_guest: Generated<boolean>;
  created_ts: number;
}

export interface DevicesTable {
  user_id: UserId;
  device_id: DeviceId;
  display_name: string | null;
  last_seen_ip: string | null;
  last_seen_ts: number;
  /** When a message to it was last acknowledged, to the hour, or since when there is the device; ms since 1970. */
  inbox_emptied_ts: Generated<number>;
}

/** A device of the user that nobody is logged in with, at most one. */
export interface DehydratedDevicesTable {
  user_id: UserId;
  device_id: DeviceId;
  /** JSON object */
  device_data: string;
}

/** An access token with its refresh token, both as SHA-256 hashes. */
export interface AccessTokensTable {
  token_hash: Buffer;
  user_id: UserId;
  device_id: DeviceId;
  expires_ts: number | null;
  refresh_hash: Buffer | null;
  /** The row that a refresh superseded; it goes when a token of this row is used. */
  replaces: Buffer | null;
}

/** A token by which others learn who a user is, as SHA-256 hash. */
export interface OpenidTokensTable {
  token_hash: Buffer;
  user_id: UserId;
  expires_ts: number;
}

export interface UiaSessionsTable {
  session_id: string;
  /** What the session may authorise, with the user and the target: a session of one operation is none of another. */
  operation: string;
  /** JSON object: completed stage → what it proved. */
  completed: string;
  expires_ts: number;
}

export interface RegistrationTokensTable {
  token: string;
  /** Null for no bound. */
  uses_allowed: number | null;
  uses: Generated<number>;
  expires_ts: number | null;
}

export interface RegistrationNoncesTable {
  nonce: string;
  expires_ts: number;
}

/** `value` is JSON. */
export interface ProfileFieldsTable {
  user_id: UserId;
  name: string;
  value: string;
}

/** `definition` is the filter's JSON as sent. */
export interface FiltersTable {
  user_id: UserId;
  filter_id: string;
  definition: string;
}
