import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { decodeUnpaddedBase64 } from './base64.js';

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** What SubjectPublicKeyInfo puts before the 32 bytes of an Ed25519 key (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Importing a key costs a tenth of a verification; servers come back. */
const importedKeys = new LRUCache<string, KeyObject>({ max: 4096 });

/**
 * Whether an Ed25519 signature is valid, checked in libuv's thread pool. Garbage of any kind is `false`: never throws,
 * never rejects. Small-order and non-canonical points and `S >= L` are refused, as libsodium does.
 */
export function verifySignature(
  message: Uint8Array,
  signatureBase64: string,
  publicKeyBase64: string,
): Promise<boolean> {
  const signature = decodeUnpaddedBase64(signatureBase64);
  const key = importedKey(publicKeyBase64);
  if (signature?.length !== SIGNATURE_BYTES || key === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    verify(null, message, key, signature, (error, valid) => {
      resolve(!error && valid);
    });
  });
}

function importedKey(publicKeyBase64: string): KeyObject | undefined {
  const known = importedKeys.get(publicKeyBase64);
  if (known !== undefined) return known;
  const raw = decodeUnpaddedBase64(publicKeyBase64);
  if (raw?.length !== KEY_BYTES) return undefined;
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
  importedKeys.set(publicKeyBase64, key);
  return key;
}
