import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import { eventIdSchema, jsonObjectSchema, roomIdSchema } from './schemas.js';

/**
 * Sends what `PrepareEvent` gave, whatever has happened in the room meanwhile: it is checked like an event of another server.
 * Sent twice it is one event. A room that no longer allows it refuses it with 403.
 */
export const SendPreparedEvent = defineCommand({
  pattern: 'room.send-prepared-event',
  version: 1,
  input: z.object({ roomId: roomIdSchema, event: jsonObjectSchema }),
  output: z.object({ eventId: eventIdSchema }),
});
