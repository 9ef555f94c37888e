import { randomBytes } from 'node:crypto';

/** A new secret of 256 bits, safe in URLs. */
export function newSecretToken(): string {
  return randomBytes(32).toString('base64url');
}
