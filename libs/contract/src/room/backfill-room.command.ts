import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import { roomIdSchema } from './schemas.js';

/**
 * Fetches a stretch of the room's history that this server missed, from servers that are in the room: what comes before the event at
 * position `before`, by default where something is missing deepest in the room.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid
 */
export const BackfillRoom = defineCommand({
  pattern: 'room.backfill',
  version: 1,
  input: z.object({
    roomId: roomIdSchema,
    limit: z.number().int().min(1).max(100),
    before: z.number().int().optional(),
  }),
  /** How many events were added to the timeline; 0 when nobody has more, or nobody answered. */
  output: z.object({ added: z.number().int() }),
});
