import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import { eventIdSchema, jsonObjectSchema, roomIdSchema, transactionSchema, userIdSchema } from './schemas.js';

/**
 * Sends one message or state event of a local user: build, hash, sign, authorise, commit.
 * Identical state answers the id of the event that holds it. Refusals are Matrix errors.
 */
export const SendEvent = defineCommand({
  pattern: 'room.send-event',
  version: 1,
  input: z.object({
    roomId: roomIdSchema,
    sender: userIdSchema,
    type: z.string(),
    stateKey: z.string().optional(),
    content: jsonObjectSchema,
    /** Of `m.room.redaction`: the event to redact. */
    redacts: eventIdSchema.optional(),
    /** Only application services may set it; milliseconds. */
    originServerTs: z.number().int().optional(),
    transaction: transactionSchema.optional(),
  }),
  output: z.object({ eventId: eventIdSchema }),
});
