import { isRoomId, type RoomId } from '@atoll/matrix';
import { z } from 'zod';
import { textSchema } from '../../auth/text.schema.js';
import type { RequiredState } from '../required-state.js';
import type { ListConfig, RoomConfig } from '../sliding-request.js';
import {
  checkStateSize,
  filterEntries,
  mapOf,
  MAX_LISTS,
  MAX_SUBSCRIPTIONS,
  presenceSchema,
  rangeSchema,
  timelineLimitSchema,
  timeoutSchema,
} from './bounds.js';
import { extensionsSchema } from './extension-requests.js';

/** @see https://spec.matrix.org/v1.19/appendices/#opaque-identifiers */
const OPAQUE_ID = /^[0-9A-Za-z\-._~]{1,255}$/;

const element = z
  .object({ type: textSchema(255).optional(), state_key: textSchema(255).optional() })
  .transform(({ type, state_key }) => ({ type, stateKey: state_key }));
const requiredState = z
  .object({
    include: z.array(element).optional(),
    exclude: z.array(element).optional(),
    lazy_members: z.boolean().optional(),
  })
  .transform(({ include = [], exclude = [], lazy_members = false }): RequiredState => ({
    include,
    exclude,
    lazyMembers: lazy_members,
  }));

const filters = z
  .object({
    is_dm: z.boolean().optional(),
    spaces: filterEntries(z.string()).optional(),
    is_encrypted: z.boolean().optional(),
    is_invited: z.boolean().optional(),
    room_types: filterEntries(z.string().nullable()).optional(),
    not_room_types: filterEntries(z.string().nullable()).optional(),
    tags: filterEntries(z.string()).optional(),
    not_tags: filterEntries(z.string()).optional(),
  })
  .transform((given) => ({
    isDm: given.is_dm,
    spaces: given.spaces?.filter((id): id is RoomId => isRoomId(id)),
    isEncrypted: given.is_encrypted,
    isInvited: given.is_invited,
    roomTypes: given.room_types,
    notRoomTypes: given.not_room_types,
    tags: given.tags,
    notTags: given.not_tags,
  }));

const config = z.object({ timeline_limit: timelineLimitSchema, required_state: requiredState });
const list = config
  .extend({ range: rangeSchema.optional(), filters: filters.optional() })
  .transform(({ timeline_limit, required_state, range, filters: given = {} }): ListConfig => ({
    timelineLimit: timeline_limit,
    requiredState: required_state,
    ranges: range && [range],
    filters: given,
  }));
const subscription = config.transform(({ timeline_limit, required_state }): RoomConfig => ({
  timelineLimit: timeline_limit,
  requiredState: required_state,
}));

/** The body of `POST /v4/sync`. @see proposals/4186-simplified-sliding-sync.md, "Request Body" */
export const stableRequestSchema = z
  .object({
    conn_id: textSchema(255).optional(),
    pos: z.string().optional(),
    timeout: timeoutSchema.optional(),
    set_presence: presenceSchema.optional(),
    lists: mapOf(list, MAX_LISTS, 'lists', OPAQUE_ID).optional(),
    room_subscriptions: mapOf(subscription, MAX_SUBSCRIPTIONS, 'room subscriptions').optional(),
    extensions: extensionsSchema.optional(),
  })
  .transform(
    checkStateSize(({ lists = {}, room_subscriptions = {} }) => [
      ...Object.values(lists),
      ...Object.values(room_subscriptions),
    ]),
  );
export type StableRequest = z.output<typeof stableRequestSchema>;
