import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import { pduTextSchema } from './pdu-text.js';
import { eventIdSchema, jsonObjectSchema, roomIdSchema, serverNameSchema } from './schemas.js';

/**
 * Takes an invite of a local user by another server: validates it, signs it, and stores it so that the user's sync shows it.
 * Refusals are Matrix errors.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid
 */
export const ReceiveInvite = defineCommand({
  pattern: 'room.receive-invite',
  version: 1,
  input: z.object({
    roomId: roomIdSchema,
    origin: serverNameSchema,
    eventId: eventIdSchema,
    roomVersion: z.string(),
    pdu: pduTextSchema,
    /** `invite_room_state` as it came: stripped events, or PDUs (room version 12: the create event among them). */
    strippedState: z.array(jsonObjectSchema).max(100),
  }),
  /** The event with this server's signature, as JSON text. */
  output: z.object({ pdu: z.string() }),
});
