import {
  type DeviceId,
  isDeviceId,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type UserId,
} from '@atoll/matrix';

/** Of one device or key. */
const MAX_BYTES = 65_536;
const MAX_NAME_LENGTH = 1_024;

/**
 * Identity keys of a device as another server tells them; undefined when they are not that device's, or not well formed. `unsigned` is
 * left out, and so are signatures by others than their user. That they are rightly signed is for those to verify who use them.
 * @see https://spec.matrix.org/v1.19/client-server-api/#device-keys
 */
export function readDeviceKeys(value: unknown, userId: UserId, deviceId: DeviceId): JsonObject | undefined {
  if (!isJsonObject(value) || value['user_id'] !== userId || value['device_id'] !== deviceId)
    return undefined;
  const { unsigned, ...told } = value;
  const { algorithms, keys } = told;
  if (!Array.isArray(algorithms) || !algorithms.every(isString) || !isMapOfStrings(keys)) return undefined;
  const signatures = ownSignatures(told['signatures'], userId);
  if (signatures === undefined) return undefined;
  const own = { ...told, signatures };
  return isStorable(own) ? own : undefined;
}

/**
 * A cross-signing key as another server tells it; undefined when it is not that user's, is for something else, or is not well formed.
 * Signatures by others than its user are left out: a user sees only those of the owner and its own, which are kept apart.
 * @see https://spec.matrix.org/v1.19/client-server-api/#cross-signing
 */
export function readCrossSigningKey(
  value: unknown,
  userId: UserId,
  usage: 'master' | 'self_signing',
): JsonObject | undefined {
  if (!isJsonObject(value) || value['user_id'] !== userId) return undefined;
  const { usage: usages, keys } = value;
  if (!Array.isArray(usages) || !usages.includes(usage) || !isMapOfStrings(keys)) return undefined;
  const [[name, key] = ['', ''], ...more] = Object.entries(keys);
  if (more.length > 0 || name !== `ed25519:${key}`) return undefined;
  if (value['signatures'] === undefined) return isStorable(value) ? value : undefined;
  const signatures = ownSignatures(value['signatures'], userId);
  if (signatures === undefined) return undefined;
  const own = { ...value, signatures };
  return isStorable(own) ? own : undefined;
}

/** A device's name; null for none, or for something that is none. */
export function readDisplayName(value: JsonValue | undefined): string | null {
  return isString(value) && value.length <= MAX_NAME_LENGTH && isStorable(value) ? value : null;
}

/** A device id; undefined for something that is none. */
export function readDeviceId(value: unknown): DeviceId | undefined {
  return isDeviceId(value) ? value : undefined;
}

/** Those by the user; undefined when they are not well formed. */
function ownSignatures(value: unknown, userId: UserId): JsonObject | undefined {
  if (!isJsonObject(value)) return undefined;
  if (!Object.hasOwn(value, userId)) return {};
  const own = value[userId];
  return isMapOfStrings(own) ? { [userId]: own } : undefined;
}

function isMapOfStrings(value: unknown): value is Readonly<Record<string, string>> {
  return isJsonObject(value) && Object.values(value).every(isString);
}

const isString = (value: unknown): value is string => typeof value === 'string';

/** As JSON that PostgreSQL holds, and not too long. */
function isStorable(value: JsonValue): boolean {
  return Buffer.byteLength(JSON.stringify(value)) <= MAX_BYTES && !(isString(value) && value.includes('\0'));
}
