import { isJsonObject, type JsonObject } from '@atoll/matrix';
import { canonicalJson } from './canonical-json.js';
import { CanonicalJsonError } from './canonical-json-error.js';
import type { SigningKey } from './signing-key.js';
import { verifySignature } from './verify-signature.js';

/** Signatures by server (or user) name and key id. */
export type Signatures = Record<string, Record<string, string>>;

/**
 * The bytes that signatures of an object cover: its canonical JSON without `signatures` and `unsigned`.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/appendices/#signing-details
 */
export function signedBytes(object: JsonObject): Buffer {
  return Buffer.from(canonicalJson({ ...object, signatures: undefined, unsigned: undefined }));
}

/**
 * A copy of the object with one more signature; other signatures and `unsigned` stay.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/appendices/#signing-details
 */
export async function signJson<T extends object>(
  object: T,
  serverName: string,
  key: SigningKey,
): Promise<T & { signatures: Signatures }> {
  const signature = await key.sign(signedBytes(object as JsonObject));
  const before = (object as { signatures?: Signatures }).signatures ?? {};
  const ofServer = Object.hasOwn(before, serverName) ? before[serverName] : {};
  return { ...object, signatures: { ...before, [serverName]: { ...ofServer, [key.keyId]: signature } } };
}

/**
 * Whether the object carries a valid signature of this server under this key. Never throws: what cannot be checked is `false`.
 * @see https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature
 */
export async function verifySignedJson(
  object: JsonObject,
  serverName: string,
  keyId: string,
  publicKeyBase64: string,
): Promise<boolean> {
  const signature = ownString(ownObject(object, 'signatures'), serverName, keyId);
  if (signature === undefined || !keyId.startsWith('ed25519:')) return false;
  try {
    return await verifySignature(signedBytes(object), signature, publicKeyBase64);
  } catch (error) {
    if (error instanceof CanonicalJsonError) return false;
    throw error;
  }
}

function ownObject(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
  return isJsonObject(value) ? value : undefined;
}

function ownString(
  signatures: JsonObject | undefined,
  serverName: string,
  keyId: string,
): string | undefined {
  const ofServer = ownObject(signatures, serverName);
  const value = ofServer !== undefined && Object.hasOwn(ofServer, keyId) ? ofServer[keyId] : undefined;
  return typeof value === 'string' ? value : undefined;
}
