import type { DeviceId, ServerName, UserId } from '@atoll/matrix';
import type { Generated } from 'kysely';

/** The `to_device` stream: what local devices have not acknowledged. */
export interface ToDeviceTable {
  message_nid: Generated<number>;
  user_id: UserId;
  device_id: DeviceId;
  position: number;
  sender: UserId;
  type: string;
  /** JSON */
  content: string;
}

/** `m.direct_to_device` EDUs that other servers have not acknowledged. */
export interface OutgoingToDeviceTable {
  edu_nid: Generated<number>;
  destination: ServerName;
  /** Of the lane of `to_device`. */
  position: number;
  sender: UserId;
  /** JSON of the EDU's content. */
  content: string;
}

/** Requests and EDUs that were taken in. */
export interface ToDeviceRequestsTable {
  request_key: string;
  created_ts: number;
  /** JSON of devices and destinations that had no room for it; null when it has reached everybody. */
  left_out: string | null;
  /** Whose transaction it is; null for those of other servers. */
  user_id: Generated<UserId | null>;
  device_id: Generated<DeviceId | null>;
}
