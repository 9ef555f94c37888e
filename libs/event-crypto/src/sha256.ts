import { hash } from 'node:crypto';

/** The 32-byte SHA-256 digest; text is taken as UTF-8. */
export function sha256(data: string | Uint8Array): Buffer {
  return hash('sha256', data, 'buffer');
}
