import { jsonObjectSchema, roomIdSchema, userIdSchema } from '@atoll/contract';
import { type RoomSummary, type SpaceChild, spaceChildren } from '@atoll/database';
import { isRoomAlias, isRoomId, type JsonObject, type RoomId } from '@atoll/matrix';
import { z } from 'zod';

/** A room as another server tells it. */
export interface RemoteHierarchy {
  readonly room: RoomSummary;
  readonly children: readonly SpaceChild[];
  /** Of those children that the server knows and this one may know of. */
  readonly told: ReadonlyMap<RoomId, RoomSummary>;
  /** Children that are said to be accessible from nowhere. */
  readonly inaccessible: ReadonlySet<RoomId>;
}

const MAX_CHILDREN = 1000;
const textSchema = z.string().min(1).optional().catch(undefined);

/** What a summary may say; other keys go, and so does a key that holds something else. */
const summarySchema = z.object({
  room_id: roomIdSchema,
  num_joined_members: z.number().int().nonnegative(),
  world_readable: z.boolean(),
  guest_can_join: z.boolean(),
  join_rule: textSchema,
  room_version: textSchema,
  allowed_room_ids: z
    .array(z.unknown())
    .transform((ids) => ids.filter(isRoomId))
    .optional()
    .catch(undefined),
  name: textSchema,
  topic: textSchema,
  avatar_url: z.string().startsWith('mxc://').optional().catch(undefined),
  canonical_alias: z.string().refine(isRoomAlias).optional().catch(undefined),
  room_type: textSchema,
  encryption: textSchema,
}) satisfies z.ZodType<RoomSummary>;

const childEventSchema = z.object({
  type: z.literal('m.space.child'),
  state_key: roomIdSchema,
  sender: userIdSchema,
  content: jsonObjectSchema,
  origin_server_ts: z.number().int(),
});

const answerSchema = z.object({
  room: summarySchema.extend({ children_state: z.array(z.unknown()).optional() }),
  children: z.array(z.unknown()),
  inaccessible_children: z.array(z.unknown()).optional().catch(undefined),
});

/**
 * What an answer says of the room that was asked for, and of the children that it names itself; undefined when it is no answer.
 * Entries that are none are left out.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid
 */
export function readHierarchy(
  answer: JsonObject,
  roomId: RoomId,
  suggestedOnly: boolean,
): RemoteHierarchy | undefined {
  const { data } = answerSchema.safeParse(answer);
  if (data?.room.room_id !== roomId) return undefined;
  const { children_state = [], ...room } = data.room;
  const events = children_state
    .slice(0, MAX_CHILDREN)
    .flatMap((event) => childEventSchema.safeParse(event).data ?? []);
  const children = room.room_type === 'm.space' ? spaceChildren(events, suggestedOnly) : [];
  const named = new Set<unknown>(children.map((child) => child.roomId));
  const told = data.children
    .slice(0, MAX_CHILDREN)
    .flatMap((child) => summarySchema.safeParse(child).data ?? [])
    .filter((child) => named.has(child.room_id));
  const inaccessible = (data.inaccessible_children ?? []).filter(isRoomId).filter((id) => named.has(id));
  return {
    room,
    children,
    told: new Map(told.map((child) => [child.room_id, child])),
    inaccessible: new Set(inaccessible),
  };
}
