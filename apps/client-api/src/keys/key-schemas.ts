import { jsonObjectSchema, userIdSchema } from '@atoll/contract';
import { canonicalJson, CanonicalJsonError, decodeUnpaddedBase64 } from '@atoll/event-crypto';
import { isJsonObject, type JsonValue } from '@atoll/matrix';
import { z } from 'zod';
import { deviceIdSchema, textSchema } from '../auth/text.schema.js';

/** Signed with post-quantum keys, they may come to several thousand. */
export const MAX_KEY_BYTES = 16_384;
const MAX_DEVICE_KEYS_BYTES = 65_536;
const MAX_NAME = 255;
const ED25519_BYTES = 32;

/** What is signed is canonical JSON, of some length at most. */
const fits = (maxBytes: number) => (value: unknown) => {
  try {
    return Buffer.byteLength(canonicalJson(value as JsonValue)) <= maxBytes;
  } catch (error) {
    if (error instanceof CanonicalJsonError) return false;
    throw error;
  }
};
const tooLong = (maxBytes: number) => `no canonical JSON of at most ${maxBytes} bytes`;

/** `<algorithm>:<key id>` */
const keyNameSchema = textSchema(MAX_NAME).regex(/^[^:]+:[^]+$/, 'not <algorithm>:<key id>');

const signaturesSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** Identity keys of a device. */
export const deviceKeysSchema = z
  .looseObject({
    user_id: userIdSchema,
    device_id: deviceIdSchema,
    algorithms: z.array(z.string()),
    keys: z.record(z.string(), z.string()),
    signatures: signaturesSchema,
  })
  .refine(fits(MAX_DEVICE_KEYS_BYTES), tooLong(MAX_DEVICE_KEYS_BYTES));

const oneTimeKeySchema = z
  .custom<JsonValue>(
    (key) => typeof key === 'string' || (isJsonObject(key) && typeof key['key'] === 'string'),
    'not a key',
  )
  .refine(fits(MAX_KEY_BYTES), tooLong(MAX_KEY_BYTES));

/** One-time or fallback keys by their names. */
export const oneTimeKeysSchema = z.record(keyNameSchema, oneTimeKeySchema);

/** One key, whose id is its own public part. */
export const crossSigningKeySchema = z
  .looseObject({
    user_id: userIdSchema,
    usage: z.array(z.string()),
    keys: z.record(z.string(), z.string()),
    signatures: signaturesSchema.optional(),
  })
  .refine(({ keys }) => isOnePublicKey(keys), 'not exactly one key ed25519:<public key>')
  .refine(fits(MAX_KEY_BYTES), tooLong(MAX_KEY_BYTES));
export type CrossSigningKeyBody = z.output<typeof crossSigningKeySchema>;

export const signedKeysSchema = z.record(
  userIdSchema,
  z.record(z.string(), jsonObjectSchema.refine(fits(MAX_DEVICE_KEYS_BYTES), tooLong(MAX_DEVICE_KEYS_BYTES))),
);

function isOnePublicKey(keys: Readonly<Record<string, string>>): boolean {
  const [[name, key] = ['', ''], ...more] = Object.entries(keys);
  return more.length === 0 && name === `ed25519:${key}` && isPublicKey(key);
}

function isPublicKey(text: string): boolean {
  return !text.endsWith('=') && decodeUnpaddedBase64(text)?.length === ED25519_BYTES;
}
