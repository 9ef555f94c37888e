import type { DeviceId, UserId } from '@atoll/matrix';
import type { Generated } from 'kysely';

/** Sliding sync's connections, each one `conn_id` of a device. */
export interface SlidingConnectionsTable {
  connection_nid: Generated<number>;
  user_id: UserId;
  /** Null for an application service that names none. */
  device_id: DeviceId | null;
  conn_id: string;
  /** Of the newest of its memories. */
  serial: number;
  /** ms since 1970, to about a day */
  used_ts: number;
}

/** What the client of a connection knows with an answer. */
export interface SlidingMemoriesTable {
  connection_nid: number;
  serial: number;
  /** JSON, written and read by the client API. */
  memory: string;
}
