import type { AnsweredKey } from '@atoll/database';
import { verifySignedJson } from '@atoll/event-crypto';
import { isJsonObject, type JsonObject, type JsonValue, type ServerName } from '@atoll/matrix';

/** More keys than any server has had. */
const MAX_KEYS = 100;
const KEY_ID = /^ed25519:[A-Za-z0-9_]{1,100}$/;
/** 32 bytes in Base64, padded or not. */
const PUBLIC_KEY = /^[A-Za-z0-9+/]{43}=?$/;

/** Whether something names an Ed25519 key. */
export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/**
 * The Ed25519 keys in a server's answer about itself; undefined unless the answer is of that server, signed by at least one of
 * the keys that it signs with now, and by none of them wrongly. Unknown algorithms and malformed keys are passed over.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2server
 */
export async function readKeyAnswer(
  answer: JsonValue,
  serverName: ServerName,
): Promise<AnsweredKey[] | undefined> {
  if (!isJsonObject(answer) || answer['server_name'] !== serverName) return undefined;
  const { valid_until_ts: validUntilTs, verify_keys: current, old_verify_keys: old } = answer;
  if (typeof validUntilTs !== 'number' || !Number.isSafeInteger(validUntilTs)) return undefined;
  const keys = entriesOf(current).map(([keyId, publicKey]) => ({
    keyId,
    publicKey,
    validUntilTs,
    expiredTs: null,
  }));
  if (keys.length > MAX_KEYS || !(await isSignedBy(keys, answer, serverName))) return undefined;
  const retired = entriesOf(old).flatMap(([keyId, publicKey, { expired_ts: expiredTs }]) =>
    typeof expiredTs === 'number' && Number.isSafeInteger(expiredTs)
      ? [{ keyId, publicKey, validUntilTs, expiredTs }]
      : [],
  );
  const isCurrent = (keyId: string) => keys.some((key) => key.keyId === keyId);
  return [...keys, ...retired.filter(({ keyId }) => !isCurrent(keyId)).slice(0, MAX_KEYS)];
}

async function isSignedBy(
  keys: readonly AnsweredKey[],
  answer: JsonObject,
  serverName: ServerName,
): Promise<boolean> {
  const { signatures } = answer;
  const own = isJsonObject(signatures) && Object.hasOwn(signatures, serverName) ? signatures[serverName] : {};
  const signing = keys.filter(({ keyId }) => isJsonObject(own) && Object.hasOwn(own, keyId));
  const checks = signing.map(({ keyId, publicKey }) =>
    verifySignedJson(answer, serverName, keyId, publicKey),
  );
  return checks.length > 0 && (await Promise.all(checks)).every(Boolean);
}

/** Key ids with their keys, and the entries that these stand in. */
function entriesOf(keys: JsonValue | undefined): [keyId: string, publicKey: string, entry: JsonObject][] {
  if (!isJsonObject(keys)) return [];
  return Object.entries(keys).flatMap(([keyId, entry]): [string, string, JsonObject][] => {
    if (!isKeyId(keyId) || !isJsonObject(entry)) return [];
    const { key } = entry;
    return typeof key === 'string' && PUBLIC_KEY.test(key) ? [[keyId, key, entry]] : [];
  });
}
