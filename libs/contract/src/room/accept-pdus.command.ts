import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import { roomIdSchema, serverNameSchema } from './schemas.js';

/** What became of one PDU: a named outcome, with the reason where it is not `accepted`. */
export const pduOutcomes = [
  'accepted',
  'duplicate',
  'soft-failed',
  'rejected',
  'refused',
  'missing-events',
] as const;
export type PduOutcome = (typeof pduOutcomes)[number];

/**
 * Of JSON text: twice what an event may have, for white space, escapes and `unsigned`, which do not count towards its limit.
 * @see https://spec.matrix.org/v1.19/client-server-api/#size-limits
 */
export const MAX_PDU_CHARACTERS = 131_072;

/**
 * Runs events of other servers through the checks on receipt of a PDU and appends those that pass, in the given order.
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export const AcceptPdus = defineCommand({
  pattern: 'room.accept-pdus',
  version: 1,
  input: z.object({
    roomId: roomIdSchema,
    origin: serverNameSchema,
    /** Each as its JSON text: parsed once on the way, numbers would change that hashes cover. */
    pdus: z.array(z.string().max(MAX_PDU_CHARACTERS)).max(50),
  }),
  output: z.object({
    /** In the order of the input. */
    results: z.array(
      z.object({
        eventId: z.string().nullable(),
        outcome: z.enum(pduOutcomes),
        reason: z.string().optional(),
        /** With `missing-events`: what must be fetched first. */
        missing: z.array(z.string()).optional(),
      }),
    ),
  }),
});
