import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import { eventIdSchema, jsonObjectSchema, roomIdSchema, userIdSchema } from './schemas.js';

/**
 * Invites the user to whom a third-party identifier was bound, by authority of the `m.room.third_party_invite` event that a local user sent.
 * Refusals are Matrix errors: 404 `M_NOT_FOUND` for a room that this server is not in, 403 `M_FORBIDDEN`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid
 */
export const ExchangeThirdPartyInvite = defineCommand({
  pattern: 'room.exchange-third-party-invite',
  version: 1,
  input: z.object({
    roomId: roomIdSchema,
    /** Of the `m.room.third_party_invite` event. */
    sender: userIdSchema,
    target: userIdSchema,
    /** What the identity server signed. */
    signed: jsonObjectSchema,
  }),
  /** `eventId` is null when nothing had to change: the user is invited or joined. */
  output: z.object({ eventId: eventIdSchema.nullable() }),
});
