import type { CrossSigningKey, CrossSigningUsage } from '@atoll/database';
import { canonicalJson } from '@atoll/event-crypto';
import { invalidParam, type JsonObject, type UserId } from '@atoll/matrix';
import type { CrossSigningKeyBody } from '../key-schemas.js';
import { keptKey } from '../own-signatures.js';

/** A key that an upload brings, as it will be kept. */
export interface UploadedKey extends CrossSigningKey {
  readonly body: JsonObject;
}

/**
 * What of an upload can be told without knowing what is there: that each key is the user's, and for its usage.
 * @throws MatrixError 400
 */
export function checkCrossSigningKeys(
  userId: UserId,
  keys: Readonly<Record<CrossSigningUsage, CrossSigningKeyBody | undefined>>,
): UploadedKey[] {
  const given = (Object.keys(keys) as CrossSigningUsage[]).flatMap((usage) => {
    const key = keys[usage];
    return key === undefined ? [] : [toUploaded(userId, usage, key)];
  });
  if (new Set(given.map(({ publicKey }) => publicKey)).size < given.length)
    throw invalidParam('Each usage has a key of its own');
  return given;
}

function toUploaded(userId: UserId, usage: CrossSigningUsage, key: CrossSigningKeyBody): UploadedKey {
  if (key.user_id !== userId) throw invalidParam(`The ${usage} key is of another user`);
  if (!key.usage.includes(usage)) throw invalidParam(`The ${usage} key is not for this usage`);
  const body = keptKey(key as JsonObject, userId);
  return { usage, publicKey: Object.values(key.keys)[0] ?? '', key: canonicalJson(body), body };
}
