import type { FetchedList, RemoteDevice } from '@atoll/database';
import { isJsonObject, type DeviceId, type JsonObject, type JsonValue, type UserId } from '@atoll/matrix';
import { readCrossSigningKey, readDeviceId, readDeviceKeys, readDisplayName } from './read-keys.js';

/**
 * The answer of `GET /user/devices/{userId}`; entries that are not well formed are left out. Undefined when it is about somebody else, or no
 * such answer.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid
 */
export function readUserDevices(answer: JsonObject, userId: UserId): FetchedList | undefined {
  const { devices, stream_id: streamId } = answer;
  if (answer['user_id'] !== userId || !Array.isArray(devices) || !isStreamId(streamId)) return undefined;
  return {
    streamId,
    devices: devices.flatMap((entry) => readUserDevice(entry, userId) ?? []),
    masterKey: readCrossSigningKey(answer['master_key'], userId, 'master'),
    selfSigningKey: readCrossSigningKey(answer['self_signing_key'], userId, 'self_signing'),
  };
}

/**
 * What the answer of `POST /user/keys/query` says of one user; undefined when nothing.
 * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery
 */
export function readQueriedKeys(answer: JsonObject, userId: UserId): FetchedList | undefined {
  const devices = of(answer['device_keys'], userId);
  if (!isJsonObject(devices)) return undefined;
  return {
    streamId: null,
    devices: Object.entries(devices).flatMap(([id, entry]) => {
      const deviceId = readDeviceId(id);
      const keys = deviceId && readDeviceKeys(entry, userId, deviceId);
      if (deviceId === undefined || keys === undefined) return [];
      const unsigned = isJsonObject(entry) ? entry['unsigned'] : undefined;
      return { deviceId, keys, displayName: readDisplayName(of(unsigned, 'device_display_name')) };
    }),
    masterKey: readCrossSigningKey(of(answer['master_keys'], userId), userId, 'master'),
    selfSigningKey: readCrossSigningKey(of(answer['self_signing_keys'], userId), userId, 'self_signing'),
  };
}

/** The number that a server gives to an update. */
export function isStreamId(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function readUserDevice(entry: JsonValue, userId: UserId): RemoteDevice | undefined {
  if (!isJsonObject(entry)) return undefined;
  const deviceId: DeviceId | undefined = readDeviceId(entry['device_id']);
  if (deviceId === undefined) return undefined;
  const keys = readDeviceKeys(entry['keys'], userId, deviceId);
  if (keys === undefined && entry['keys'] !== undefined) return undefined;
  return { deviceId, keys, displayName: readDisplayName(entry['device_display_name']) };
}

function of(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
