import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import { remoteMemberships } from './make-membership.command.js';
import { pduTextSchema } from './pdu-text.js';
import { eventIdSchema, roomIdSchema, serverNameSchema } from './schemas.js';

/**
 * Takes the member event of another server's user that `/send_join`, `/send_leave` or `/send_knock` brought: checked as every event,
 * and refused where it would be rejected or soft-failed; a join of a restricted room that this server authorises gets its signature.
 * Durable when answered; repeating gives the same answer.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export const ReceiveMembership = defineCommand({
  pattern: 'room.receive-membership',
  version: 1,
  input: z.object({
    roomId: roomIdSchema,
    origin: serverNameSchema,
    eventId: eventIdSchema,
    membership: z.enum(remoteMemberships),
    /** The event's JSON text. */
    pdu: pduTextSchema,
  }),
  output: z.object({
    /** The event as it is stored, with this server's signature where it gave one; JSON text. */
    pdu: z.string(),
  }),
});
