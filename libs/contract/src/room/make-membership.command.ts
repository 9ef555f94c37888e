import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import { jsonObjectSchema, roomIdSchema, userIdSchema } from './schemas.js';

/** The memberships that a user of another server may take by way of this one. */
export const remoteMemberships = ['join', 'leave', 'knock'] as const;
export type RemoteMembership = (typeof remoteMemberships)[number];

/**
 * The template of a member event by which a user of another server joins, leaves or knocks, with `prev_events`, `auth_events` and
 * `depth` of the room as it is now; neither hashed nor signed.
 * Refusals are Matrix errors: 404 `M_NOT_FOUND` for a room that this server is not in, 400 `M_INCOMPATIBLE_ROOM_VERSION`,
 * 403 `M_FORBIDDEN`, 400 `M_UNABLE_TO_AUTHORISE_JOIN` or `M_UNABLE_TO_GRANT_JOIN` of a restricted room.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid
 */
export const MakeMembership = defineCommand({
  pattern: 'room.make-membership',
  version: 1,
  input: z.object({
    roomId: roomIdSchema,
    userId: userIdSchema,
    membership: z.enum(remoteMemberships),
    /** Room versions that the user's server understands; of a leave they are not asked. */
    versions: z.array(z.string()).optional(),
  }),
  output: z.object({ roomVersion: z.string(), event: jsonObjectSchema }),
});
