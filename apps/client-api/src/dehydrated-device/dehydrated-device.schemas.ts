import { isJsonObject, type JsonObject } from '@atoll/matrix';
import { z } from 'zod';
import { deviceIdSchema, displayNameOfDeviceSchema } from '../auth/text.schema.js';
import { deviceKeysSchema, oneTimeKeysSchema } from '../keys/key-schemas.js';

/** A device with a hundred one-time keys needs less than 8,192. */
const MAX_DATA_BYTES = 65_536;

const deviceDataSchema = z
  .custom<JsonObject>(
    (data) => isJsonObject(data) && typeof data['algorithm'] === 'string',
    'not an object with an algorithm',
  )
  .refine(
    (data) => Buffer.byteLength(JSON.stringify(data)) <= MAX_DATA_BYTES,
    `longer than ${MAX_DATA_BYTES} bytes`,
  );

export const dehydratedDeviceSchema = z.object({
  device_id: deviceIdSchema,
  device_data: deviceDataSchema,
  initial_device_display_name: displayNameOfDeviceSchema.optional(),
  device_keys: deviceKeysSchema,
  one_time_keys: oneTimeKeysSchema.optional(),
  fallback_keys: oneTimeKeysSchema.optional(),
});
export type DehydratedDeviceBody = z.output<typeof dehydratedDeviceSchema>;

/** What an answer gave as `next_batch`: how much of the inbox is read. */
const tokenSchema = z
  .string()
  .regex(/^\d{1,15}$/, 'not a token of this endpoint')
  .transform(Number)
  .optional();
export const eventsSchema = z.object({ next_batch: tokenSchema });
export const pageSchema = eventsSchema.extend({ from: tokenSchema });
