const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Standard Base64 without padding.
 * @see https://spec.matrix.org/v1.19/appendices/#unpadded-base64
 */
export function encodeUnpaddedBase64(bytes: Uint8Array): string {
  const text = asBuffer(bytes).toString('base64');
  const padding = text.indexOf('=');
  return padding < 0 ? text : text.slice(0, padding);
}

/**
 * Base64 in the URL-safe alphabet without padding.
 * @see https://spec.matrix.org/v1.19/appendices/#url-safe-unpadded-base64
 */
export function encodeUrlSafeUnpaddedBase64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url');
}

/**
 * Decodes standard Base64 with or without padding; `undefined` for anything else, the URL-safe alphabet included.
 * @see https://spec.matrix.org/v1.19/appendices/#unpadded-base64
 */
export function decodeUnpaddedBase64(text: string): Buffer | undefined {
  if (!STANDARD.test(text)) return undefined;
  const padding = text.indexOf('=');
  const digits = padding < 0 ? text.length : padding;
  if (digits % 4 === 1 || (padding >= 0 && text.length % 4 !== 0)) return undefined;
  return Buffer.from(text, 'base64');
}

const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
