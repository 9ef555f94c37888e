import type { ByteAllowance } from '@atoll/federation-client';
import type { DeviceId, JsonObject, JsonValue, ServerName, UserId } from '@atoll/matrix';

/** For each user the devices whose keys are asked for: none for all of them. */
export type QueriedDevices = ReadonlyMap<UserId, readonly DeviceId[]>;

/** For each user and device the algorithm of the key that is wanted. */
export type WantedKeys = ReadonlyMap<UserId, ReadonlyMap<DeviceId, string>>;

/** What another server says of a user's keys. */
export interface RemoteUserKeys {
  /** By device id; `unsigned.device_display_name` among it. */
  readonly devices: Readonly<Record<string, JsonObject>>;
  readonly masterKey?: JsonObject | undefined;
  readonly selfSigningKey?: JsonObject | undefined;
}

/** Keys given out by another server: of each user, by device id, `<algorithm>:<key id>` → key. */
export type RemoteClaims = ReadonlyMap<UserId, Readonly<Record<string, Readonly<Record<string, JsonValue>>>>>;

/** What an answer may take. */
export interface AnswerBounds {
  readonly timeoutMs: number;
  readonly allowance: ByteAllowance;
}

/** The keys of a user, as they come. */
export type TellKeys = (told: readonly [UserId, RemoteUserKeys]) => void;

/** Keys of users of other servers. What they give is checked by the implementation: of the users that were asked for, and well formed. */
export interface RemoteKeys {
  /** Of those of the users whose devices are known here, so that nobody need be asked. */
  known(users: QueriedDevices): Promise<ReadonlyMap<UserId, RemoteUserKeys>>;

  /**
   * How many servers are asked at once, and how much they answer together, is for the caller to bound.
   * @param tell is not called for users who are unknown there
   * @throws anything when the server did not answer for all of the users in time
   */
  query(server: ServerName, users: QueriedDevices, bounds: AnswerBounds, tell: TellKeys): Promise<void>;

  /** As {@link query}. @throws anything when the server cannot be asked in time */
  claim(server: ServerName, wanted: WantedKeys, bounds: AnswerBounds): Promise<RemoteClaims>;
}

export const REMOTE_KEYS = Symbol('RemoteKeys');
