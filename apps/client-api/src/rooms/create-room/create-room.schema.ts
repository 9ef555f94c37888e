import { jsonObjectSchema, roomPresets, userIdSchema } from '@atoll/contract';
import { rulesOf } from '@atoll/room-rules';
import { z } from 'zod';
import { eventTypeSchema, stateKeySchema } from '../access/event-schemas.js';

export const roomVersionSchema = z.string().refine((version) => rulesOf(version) !== undefined, {
  message: 'This room version is not supported',
  params: { errcode: 'M_UNSUPPORTED_ROOM_VERSION' },
});

/** Of each kind: all first events of a room are one commit. */
const MAX_EVENTS = 500;

const level = z.number().int();
const levels = z.record(z.string(), level);

/** Other keys are let through: they are the room's own. */
const powerLevelsSchema = z.looseObject({
  ban: level.optional(),
  kick: level.optional(),
  invite: level.optional(),
  redact: level.optional(),
  state_default: level.optional(),
  events_default: level.optional(),
  users_default: level.optional(),
  events: levels.optional(),
  notifications: levels.optional(),
  users: levels
    .refine(
      (users) => Object.keys(users).every((user) => userIdSchema.safeParse(user).success),
      'not user ids',
    )
    .optional(),
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
export const createRoomSchema = z.object({
  visibility: z.enum(['public', 'private']).default('private'),
  room_alias_name: z.string().optional(),
  name: z.string().optional(),
  topic: z.string().optional(),
  invite: z.array(userIdSchema).max(MAX_EVENTS).default([]),
  invite_3pid: z.array(z.unknown()).default([]),
  room_version: roomVersionSchema.optional(),
  creation_content: jsonObjectSchema.default({}),
  initial_state: z
    .array(z.object({ type: eventTypeSchema, state_key: stateKeySchema, content: jsonObjectSchema }))
    .max(MAX_EVENTS)
    .default([]),
  preset: z.enum(roomPresets).optional(),
  is_direct: z.boolean().default(false),
  power_level_content_override: powerLevelsSchema.optional(),
});
export type CreateRoomBody = z.output<typeof createRoomSchema>;
