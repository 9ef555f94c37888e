import type { DeviceId, UserId } from '@atoll/matrix';
import type { Generated } from 'kysely';

/** Identity keys of local devices: JSON with the signatures of their own user that came with them. */
export interface DeviceKeysTable {
  user_id: UserId;
  device_id: DeviceId;
  keys: string;
}

/** Those that nobody was given; each is given out once, in the order of their upload. */
export interface OneTimeKeysTable {
  user_id: UserId;
  device_id: DeviceId;
  algorithm: string;
  key_id: string;
  /** JSON */
  key: string;
  upload_order: Generated<number>;
}

/** One-time keys that were given out: uploaded again, they are not given out again. */
export interface ClaimedOneTimeKeysTable {
  user_id: UserId;
  device_id: DeviceId;
  /** Of its name and content. */
  hash: Buffer;
  claim_order: Generated<number>;
}

/** What is given out when there are no one-time keys left. */
export interface FallbackKeysTable {
  user_id: UserId;
  device_id: DeviceId;
  algorithm: string;
  key_id: string;
  /** JSON */
  key: string;
  used: Generated<boolean>;
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#cross-signing */
export type CrossSigningUsage = 'master' | 'self_signing' | 'user_signing';

export interface CrossSigningKeysTable {
  user_id: UserId;
  usage: CrossSigningUsage;
  /** Unpadded base64, as in its key id. */
  public_key: string;
  /** JSON */
  key: string;
}

/** Signatures that local users made of keys after these were uploaded. */
export interface KeySignaturesTable {
  target_user_id: UserId;
  /** A device id, or the public key of a cross-signing key. */
  target_key_id: string;
  signer_user_id: UserId;
  /** With the algorithm. */
  signer_key_id: string;
  signature: string;
}

/** The `device_lists` stream: the newest change of each user's devices and keys. */
export interface DeviceListsTable {
  user_id: UserId;
  /** The one user who is told of it; '' for everybody who shares a room. */
  seen_by: UserId | '';
  position: number;
}

/** The `key_counts` stream: when a key of a device was last claimed. */
export interface KeyCountsTable {
  user_id: UserId;
  device_id: DeviceId;
  position: number;
}
