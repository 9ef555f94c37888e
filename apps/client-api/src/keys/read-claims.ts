import { isJsonObject, type JsonObject, type JsonValue, type UserId } from '@atoll/matrix';
import type { RemoteClaims, WantedKeys } from './remote-keys.js';

/** Of one key. */
const MAX_BYTES = 65_536;

/**
 * The keys that another server gives out, as far as they were wanted: one for each device, of the algorithm that was asked for.
 * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysclaim
 */
export function readClaims(answer: JsonObject, wanted: WantedKeys): RemoteClaims {
  const told = answer['one_time_keys'];
  const claims = Array.from(
    wanted,
    ([userId, devices]): [UserId, Record<string, Record<string, JsonValue>>] => {
      const given = Array.from(devices, ([deviceId, algorithm]) => {
        const [key] = keysOf(of(of(told, userId), deviceId), algorithm);
        return key && ([deviceId, { [key[0]]: key[1] }] as const);
      });
      return [userId, Object.fromEntries(given.filter((entry) => entry !== undefined))];
    },
  );
  return new Map(claims.filter(([, devices]) => Object.keys(devices).length > 0));
}

function keysOf(device: JsonValue | undefined, algorithm: string): [string, JsonValue][] {
  if (!isJsonObject(device)) return [];
  return Object.entries(device).flatMap(([name, key]): [string, JsonValue][] =>
    name.startsWith(`${algorithm}:`) && isKey(key) ? [[name, key]] : [],
  );
}

function isKey(value: JsonValue | undefined): value is JsonValue {
  const isWellFormed = typeof value === 'string' || (isJsonObject(value) && typeof value['key'] === 'string');
  return isWellFormed && JSON.stringify(value).length <= MAX_BYTES;
}

function of(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
