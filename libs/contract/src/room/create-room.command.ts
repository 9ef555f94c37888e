import { z } from 'zod';
import { defineCommand } from '../define-command.js';
import { jsonObjectSchema, roomAliasSchema, roomIdSchema, userIdSchema } from './schemas.js';

/** Refusal, between services only: the create event exists already. */
export const ROOM_EXISTS = 'ATOLL_ROOM_EXISTS';

export const roomPresets = ['private_chat', 'trusted_private_chat', 'public_chat'] as const;

/**
 * Creates a room with all its first events in one commit.
 * The caller makes the create event's draft, hashed but unsigned, because in room version 12 the room id, and so the
 * partition that this command is addressed to, is its hash.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export const CreateRoom = defineCommand({
  pattern: 'room.create',
  version: 1,
  input: z.object({
    roomId: roomIdSchema,
    roomVersion: z.string(),
    creator: userIdSchema,
    /** The create event with its content hash, without signatures. */
    createEvent: jsonObjectSchema,
    preset: z.enum(roomPresets),
    /** Content of the creator's join: `displayname`, `avatar_url`. */
    creatorProfile: jsonObjectSchema,
    inDirectory: z.boolean(),
    alias: roomAliasSchema.optional(),
    name: z.string().optional(),
    topic: z.string().optional(),
    isDirect: z.boolean(),
    /** Whom to invite, with the profile that goes into the member event. */
    invite: z.array(z.object({ userId: userIdSchema, profile: jsonObjectSchema })),
    initialState: z.array(z.object({ type: z.string(), stateKey: z.string(), content: jsonObjectSchema })),
    powerLevelContentOverride: jsonObjectSchema.optional(),
  }),
  output: z.object({ roomId: roomIdSchema }),
});
