import { z } from 'zod';
import { textSchema } from '../auth/text.schema.js';
import { roomEventFilterSchema } from '../events/room-event-filter.js';

const MAX_TERM = 1_000;
const DEFAULT_CONTEXT = 5;
const MAX_CONTEXT = 20;

const contextLimit = z
  .number()
  .int()
  .nonnegative()
  .default(DEFAULT_CONTEXT)
  .transform((limit) => Math.min(limit, MAX_CONTEXT));

const roomEventsSchema = z.object({
  search_term: textSchema(MAX_TERM),
  keys: z
    .array(z.enum(['content.body', 'content.name', 'content.topic']))
    .default(['content.body', 'content.name', 'content.topic']),
  filter: roomEventFilterSchema.default({}),
  order_by: z.enum(['rank', 'recent']).default('rank'),
  event_context: z
    .object({
      before_limit: contextLimit,
      after_limit: contextLimit,
      include_profile: z.boolean().default(false),
    })
    .optional(),
  include_state: z.boolean().default(false),
  groupings: z
    .object({ group_by: z.array(z.object({ key: z.enum(['room_id', 'sender']) })).default([]) })
    .default({ group_by: [] }),
});
export type RoomEventsSearch = z.output<typeof roomEventsSchema>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search */
export const searchSchema = z.object({
  search_categories: z.object({ room_events: roomEventsSchema.optional() }),
});
export type Search = z.output<typeof searchSchema>;
