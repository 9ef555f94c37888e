import type { DeviceId, ServerName, UserId } from '@atoll/matrix';
import type { Generated } from 'kysely';

/** A change of what other servers are told of a local user's devices. */
export interface DeviceChangesTable {
  user_id: UserId;
  /** Of the user, without gaps. */
  stream_id: number;
  /** '' for the cross-signing keys. */
  device_id: DeviceId | '';
  /** The change of a device before. */
  prev_id: number | null;
  /** Of the device as it was told; null when it was deleted. */
  fingerprint: string | null;
  /** In the `device_lists` stream. */
  position: number;
  /** ms since 1970 */
  changed_ts: Generated<number>;
}

/** How far `device_changes` and the events stream were read for the destinations of a partition. */
export interface DeviceListCursorsTable {
  partition: number;
  position: number;
  events_position: number;
}

/** Users whom a server must be told of because they came into a room that it is in. */
export interface DeviceListIntroductionsTable {
  destination: ServerName;
  user_id: UserId;
  /** Of the join, in the events stream. */
  position: number;
}

/** What is known of the devices of a user of another server. */
export interface RemoteDeviceListsTable {
  user_id: UserId;
  /** Counts what was heard of the list, so that an older answer does not pass for a newer one. */
  version: Generated<number>;
  /** The last update that it holds, by the other server's count; null where that was not told. */
  stream_id: number | null;
  /** The newest update that was told, whether it holds it or not. */
  heard_stream_id: Generated<number | null>;
  is_stale: Generated<boolean>;
  /** Of the events stream, when the list was asked for; null when it never came. */
  fetched_position: number | null;
  /** JSON */
  master_key: string | null;
  /** JSON */
  self_signing_key: string | null;
  /** ms since 1970; null where nobody is to ask for it anew. */
  resync_at: number | null;
  tries: Generated<number>;
}

/** The devices of {@link RemoteDeviceListsTable}. */
export interface RemoteDevicesTable {
  user_id: UserId;
  device_id: DeviceId;
  display_name: string | null;
  /** JSON; null for a device without identity keys. */
  keys: string | null;
}
