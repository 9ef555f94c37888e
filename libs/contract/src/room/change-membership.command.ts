import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import {
  eventIdSchema,
  jsonObjectSchema,
  roomIdSchema,
  serverNameSchema,
  transactionSchema,
  userIdSchema,
} from './schemas.js';

/**
 * What a user does to a membership. The names are those of the client-server API's endpoints, because each has its own
 * refusals (kicking somebody who never was in the room is not leaving); `update-profile` rewrites the display name and
 * avatar of a member who is still joined, and does nothing otherwise.
 */
export const membershipActions = [
  'join',
  'invite',
  'leave',
  'kick',
  'ban',
  'unban',
  'knock',
  'update-profile',
] as const;
export type MembershipAction = (typeof membershipActions)[number];

/** More servers are not tried. */
export const MAX_VIA = 50;

/**
 * How long the caller of a membership change that other servers take part in waits: joining a large room takes them and us many
 * seconds, and several servers may fail first.
 */
export const REMOTE_MEMBERSHIP_TIMEOUT_MS = 180_000;

/** `eventId` is null when nothing had to change (joining twice, leaving a room that was left). */
export const ChangeMembership = defineCommand({
  pattern: 'room.change-membership',
  version: 1,
  input: z.object({
    roomId: roomIdSchema,
    sender: userIdSchema,
    target: userIdSchema,
    action: z.enum(membershipActions),
    reason: z.string().optional(),
    /** Further content of the member event: `displayname`, `avatar_url`, `is_direct`, custom keys of a join. */
    content: jsonObjectSchema,
    /** Servers to ask, in this order, where this one is not in the room: for joins, knocks, and leaves of remote invites. */
    via: z.array(serverNameSchema).max(MAX_VIA).optional(),
    /** Kept with the event, as that of `SendEvent` is. */
    transaction: transactionSchema.optional(),
  }),
  output: z.object({ eventId: eventIdSchema.nullable() }),
});
