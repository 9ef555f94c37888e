import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import { eventIdSchema, jsonObjectSchema, roomIdSchema, userIdSchema } from './schemas.js';

/**
 * Builds an event of a local user and authorises it, but sends nothing: for an event whose id must be known before it may be sent.
 * Asked again under the same idempotency key within two minutes, the same owner gives the same event. Refusals are Matrix errors.
 */
export const PrepareEvent = defineCommand({
  pattern: 'room.prepare-event',
  version: 1,
  input: z.object({
    roomId: roomIdSchema,
    sender: userIdSchema,
    type: z.string(),
    stateKey: z.string().optional(),
    content: jsonObjectSchema,
  }),
  /** The event with its content hash, without signatures. */
  output: z.object({ eventId: eventIdSchema, event: jsonObjectSchema }),
});
