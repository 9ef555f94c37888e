import { isRoomId, type RoomId, type UserId } from '@atoll/matrix';
import { z } from 'zod';
import { textSchema } from '../../auth/text.schema.js';
import type { RequiredState } from '../required-state.js';
import type { ListConfig, RoomConfig } from '../sliding-request.js';
import {
  checkStateSize,
  filterEntries,
  LONGEST_WAIT_MS,
  mapOf,
  MAX_LISTS,
  MAX_SUBSCRIPTIONS,
  rangeSchema,
  timelineLimitSchema,
} from './bounds.js';
import { extensionsSchema } from './extension-requests.js';

const MAX_RANGES = 10;
const ANY = '*';
const LAZY = '$LAZY';
const ME = '$ME';
/** How much is asked for does not depend on who asks. */
const ANYBODY = '@:' as UserId;

/** Pairs of type and state key, `*` for any; `$ME` stands for the user, `$LAZY` for the members that are needed. */
const requiredState = z
  .array(z.tuple([textSchema(255), textSchema(255)]))
  .transform((pairs) => (userId: UserId): RequiredState => {
    const isLazy = ([type, key]: [string, string]) => type === 'm.room.member' && key === LAZY;
    const include = pairs
      .filter((pair) => !isLazy(pair))
      .map(([type, key]) => ({
        type: type === ANY ? undefined : type,
        stateKey: key === ANY ? undefined : key === ME ? userId : key,
      }));
    return { include, exclude: [], lazyMembers: pairs.some(isLazy) };
  });

const filters = z
  .object({
    is_dm: z.boolean().nullish(),
    spaces: filterEntries(z.string()).nullish(),
    is_encrypted: z.boolean().nullish(),
    is_invite: z.boolean().nullish(),
    room_types: filterEntries(z.string().nullable()).nullish(),
    not_room_types: filterEntries(z.string().nullable()).nullish(),
    tags: filterEntries(z.string()).nullish(),
    not_tags: filterEntries(z.string()).nullish(),
  })
  .transform((given) => ({
    isDm: given.is_dm ?? undefined,
    spaces: given.spaces?.filter((id): id is RoomId => isRoomId(id)),
    isEncrypted: given.is_encrypted ?? undefined,
    isInvited: given.is_invite ?? undefined,
    roomTypes: given.room_types ?? undefined,
    notRoomTypes: given.not_room_types ?? undefined,
    tags: given.tags ?? undefined,
    notTags: given.not_tags ?? undefined,
  }));

const config = z.object({
  timeline_limit: timelineLimitSchema.optional().default(1),
  required_state: requiredState.optional().default(() => noState),
});
const noState = (): RequiredState => ({ include: [], exclude: [], lazyMembers: false });
const list = config
  .extend({ ranges: z.array(rangeSchema).max(MAX_RANGES).nullish(), filters: filters.nullish() })
  .transform((given) => (userId: UserId): ListConfig => ({
    ...roomConfig(given, userId),
    ranges: given.ranges ?? undefined,
    filters: given.filters ?? {},
  }));
const subscription = config.transform(
  (given) =>
    (userId: UserId): RoomConfig =>
      roomConfig(given, userId),
);

function roomConfig(given: z.output<typeof config>, userId: UserId): RoomConfig {
  return { timelineLimit: given.timeline_limit, requiredState: given.required_state(userId) };
}

/** What stands in the query: before MSC4186 was written down, `pos` was no part of the body. */
export const unstableQuerySchema = z.object({
  pos: z.string().optional(),
  timeout: z
    .string()
    .regex(/^\d{1,15}$/, 'not a number of milliseconds')
    .transform((value) => Math.min(Number(value), LONGEST_WAIT_MS))
    .optional(),
  set_presence: z.enum(['offline', 'online', 'unavailable']).optional(),
});
export type UnstableQuery = z.output<typeof unstableQuerySchema>;

/** @see proposals/4186-simplified-sliding-sync.md, "Appendix: Changelog", for what differs from the stable body */
export const unstableRequestSchema = z
  .object({
    conn_id: textSchema(255).nullish(),
    lists: mapOf(list, MAX_LISTS, 'lists').nullish(),
    room_subscriptions: mapOf(subscription, MAX_SUBSCRIPTIONS, 'room subscriptions').nullish(),
    extensions: extensionsSchema.nullish(),
  })
  .transform(
    checkStateSize(({ lists, room_subscriptions }) =>
      [...Object.values(lists ?? {}), ...Object.values(room_subscriptions ?? {})].map((of) => of(ANYBODY)),
    ),
  );
export type UnstableRequest = z.output<typeof unstableRequestSchema>;
