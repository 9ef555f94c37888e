import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { decodeUnpaddedBase64, encodeUnpaddedBase64 } from './base64.js';

const KEY_BYTES = 32;
/** What PKCS #8 puts before the 32 bytes of an Ed25519 seed (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const VERSION = /^[A-Za-z0-9_]+$/;

/** An Ed25519 key of this server. The seed stays inside the key object: printing it shows nothing secret. */
export class SigningKey {
  /** `ed25519:version` */
  readonly keyId: string;
  /** Unpadded Base64. */
  readonly publicKey: string;
  readonly #privateKey: KeyObject;

  /** @throws Error when the version has characters outside `[A-Za-z0-9_]` */
  constructor(
    readonly version: string,
    privateKey: KeyObject,
  ) {
    if (!VERSION.test(version)) throw new Error('The version of a signing key must match [a-zA-Z0-9_]+');
    this.keyId = `ed25519:${version}`;
    this.#privateKey = privateKey;
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    this.publicKey = encodeUnpaddedBase64(spki.subarray(-KEY_BYTES));
  }

  /** The unpadded Base64 signature of a message, made in libuv's thread pool. */
  sign(message: Uint8Array): Promise<string> {
    return new Promise((resolve, reject) => {
      sign(null, message, this.#privateKey, (error, signature) => {
        if (error) reject(error);
        else resolve(encodeUnpaddedBase64(signature));
      });
    });
  }

  /**
   * 32 secret bytes for one purpose, the same wherever this key is; they tell nothing of the key, nor of those for another purpose.
   * @see https://datatracker.ietf.org/doc/html/rfc5869
   */
  derivedSecret(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.seed(), '', purpose, KEY_BYTES));
  }

  /** The 32 secret bytes, for the key file only. */
  seed(): Buffer {
    return this.#privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-KEY_BYTES);
  }
}

/** A new random key with a random version. */
export function generateSigningKey(): SigningKey {
  return new SigningKey(`a_${randomBytes(3).toString('hex')}`, generateKeyPairSync('ed25519').privateKey);
}

/**
 * Reads the key file that Matrix servers share: `ed25519 <version> <unpadded Base64 seed>`. The first line counts.
 * @throws Error without any part of the text
 */
export function parseSigningKey(text: string): SigningKey {
  const [algorithm, version, seedText, ...rest] = (text.trim().split('\n')[0] ?? '').trim().split(/\s+/);
  const seed = seedText === undefined ? undefined : decodeUnpaddedBase64(seedText);
  if (algorithm !== 'ed25519' || version === undefined || seed?.length !== KEY_BYTES || rest.length > 0) {
    throw new Error('A signing key must read: ed25519 <version> <unpadded Base64 of 32 bytes>');
  }
  const pkcs8 = Buffer.concat([PKCS8_PREFIX, seed]);
  return new SigningKey(version, createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
}

/** The line that `parseSigningKey` reads, with a line feed. */
export function formatSigningKey(key: SigningKey): string {
  return `ed25519 ${key.version} ${encodeUnpaddedBase64(key.seed())}\n`;
}
