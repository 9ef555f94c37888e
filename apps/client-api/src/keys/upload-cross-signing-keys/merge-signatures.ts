import type { CrossSigningKey } from '@atoll/database';
import { canonicalJson, signedBytes } from '@atoll/event-crypto';
import { type JsonObject, resourceLimit, type UserId } from '@atoll/matrix';
import { MAX_KEY_BYTES } from '../key-schemas.js';
import { signaturesBy } from '../own-signatures.js';
import type { UploadedKey } from './check-cross-signing-keys.js';

/** Whether every signature of one of the keys is one of the other. */
export function isSameKey({ body }: UploadedKey, known: CrossSigningKey | undefined): boolean {
  return known !== undefined && signedBytes(body).equals(signedBytes(JSON.parse(known.key) as JsonObject));
}

/**
 * The key as it is kept. One that is there already has the signatures that it had, and more of them where the upload brings some; none is
 * replaced, for whoever uploads it need not have shown a password.
 * @throws MatrixError 403 M_RESOURCE_LIMIT_EXCEEDED when these are too many
 */
export function mergeSignatures(
  userId: UserId,
  uploaded: UploadedKey,
  known: CrossSigningKey | undefined,
): UploadedKey {
  if (known === undefined || !isSameKey(uploaded, known)) return uploaded;
  const before = signaturesBy(JSON.parse(known.key) as JsonObject, userId);
  const added = Object.entries(signaturesBy(uploaded.body, userId)).filter(
    ([keyId]) => !Object.hasOwn(before, keyId),
  );
  if (added.length === 0) return { ...uploaded, key: known.key };
  const own = { ...before, ...Object.fromEntries(added) };
  const key = canonicalJson({ ...uploaded.body, signatures: { [userId]: own } });
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw resourceLimit('The key has too many signatures');
  return { ...uploaded, key };
}
