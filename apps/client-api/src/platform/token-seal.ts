import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SigningKey } from '@atoll/event-crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Texts are filled up to a multiple of this, so that their length tells little. */
const BLOCK = 64;

/**
 * Seals texts that clients keep for the server: nobody reads or changes them, and any instance opens them, because all have the key that
 * this one comes from. With another signing key the old texts open no more.
 */
export class TokenSeal {
  readonly #key: Buffer;

  constructor(signingKey: SigningKey) {
    this.#key = signingKey.derivedSecret('atoll tokens of clients');
  }

  /** @param context who and what the text is for: it opens for the same only */
  seal(text: string, context: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce).setAAD(Buffer.from(context));
    const padded = text.padEnd(Math.ceil(text.length / BLOCK) * BLOCK);
    const sealed = Buffer.concat([cipher.update(padded, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** The text, without the white space at its end; undefined for what was not sealed here for this context. */
  open(sealed: string, context: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
      return Buffer.concat(text).toString().trimEnd();
    } catch {
      return undefined;
    }
  }
}
