import { isUserId, type DeviceId, type JsonObject, type UserId } from '@atoll/matrix';
import {
  isStreamId,
  readCrossSigningKey,
  readDeviceId,
  readDeviceKeys,
  readDisplayName,
} from '@atoll/service';

/** A change of one device of a user of another server. */
export interface DeviceListUpdate {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly streamId: number;
  /** The updates that must have been seen. */
  readonly prevIds: readonly number[];
  readonly isDeleted: boolean;
  readonly displayName: string | null;
  readonly keys: JsonObject | undefined;
}

export interface SigningKeyUpdate {
  readonly userId: UserId;
  readonly masterKey: JsonObject | undefined;
  readonly selfSigningKey: JsonObject | undefined;
}

/** Undefined when it is not well formed. @see https://spec.matrix.org/v1.19/server-server-api/#definition-mdevice_list_update */
export function readDeviceListUpdate(content: JsonObject): DeviceListUpdate | undefined {
  const { user_id: userId, stream_id: streamId, prev_id: prevIds = [] } = content;
  const deviceId = readDeviceId(content['device_id']);
  if (!isUserId(userId) || deviceId === undefined || !isStreamId(streamId)) return undefined;
  if (!Array.isArray(prevIds) || !prevIds.every(isStreamId)) return undefined;
  const keys = readDeviceKeys(content['keys'], userId, deviceId);
  if (keys === undefined && content['keys'] !== undefined) return undefined;
  const displayName = readDisplayName(content['device_display_name']);
  return { userId, deviceId, streamId, prevIds, isDeleted: content['deleted'] === true, displayName, keys };
}

/** Undefined when it is not well formed. @see https://spec.matrix.org/v1.19/server-server-api/#definition-msigning_key_update */
export function readSigningKeyUpdate(content: JsonObject): SigningKeyUpdate | undefined {
  const { user_id: userId, master_key: master, self_signing_key: selfSigning } = content;
  if (!isUserId(userId)) return undefined;
  const masterKey = readCrossSigningKey(master, userId, 'master');
  const selfSigningKey = readCrossSigningKey(selfSigning, userId, 'self_signing');
  if ((masterKey === undefined) !== (master === undefined)) return undefined;
  if ((selfSigningKey === undefined) !== (selfSigning === undefined)) return undefined;
  return (masterKey ?? selfSigningKey) ? { userId, masterKey, selfSigningKey } : undefined;
}
