import {
  isJsonObject,
  isRoomAlias,
  isRoomId,
  type JsonObject,
  type JsonValue,
  type RoomId,
} from '@atoll/matrix';
import { type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import type { RoomRecord } from '../room/room-reader.js';

/** What is told of a room to whoever may enter or read it, as clients and other servers get it. */
export interface RoomSummary extends JsonObject {
  room_id: RoomId;
  num_joined_members: number;
  world_readable: boolean;
  guest_can_join: boolean;
  /** What other servers leave out means `public`. */
  join_rule?: string | undefined;
  /** Absent where another server is too old to tell it. */
  room_version?: string | undefined;
  /** Only of rooms whose join rule looks at them. */
  allowed_room_ids?: RoomId[] | undefined;
  name?: string | undefined;
  topic?: string | undefined;
  avatar_url?: string | undefined;
  canonical_alias?: string | undefined;
  room_type?: string | undefined;
  encryption?: string | undefined;
}

/** The state events that a summary is made from. */
export const SUMMARY_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.canonical_alias',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
  'm.room.encryption',
];

/**
 * The summary of a room from what its state says, by event type. Without join rules it is `invite`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid
 */
export function roomSummary(
  { roomId, version }: RoomRecord,
  joinedMembers: number,
  contents: ReadonlyMap<string, JsonObject>,
): RoomSummary {
  const text = (type: string, key: string) => textOf(contents.get(type)?.[key]);
  const joinRule = text('m.room.join_rules', 'join_rule') ?? 'invite';
  const alias = text('m.room.canonical_alias', 'alias');
  const avatar = text('m.room.avatar', 'url');
  return {
    room_id: roomId,
    num_joined_members: joinedMembers,
    world_readable: text('m.room.history_visibility', 'history_visibility') === 'world_readable',
    guest_can_join: text('m.room.guest_access', 'guest_access') === 'can_join',
    join_rule: joinRule,
    room_version: version,
    name: text('m.room.name', 'name'),
    topic: text('m.room.topic', 'topic'),
    avatar_url: avatar?.startsWith('mxc://') === true ? avatar : undefined,
    canonical_alias: isRoomAlias(alias) ? alias : undefined,
    room_type: text('m.room.create', 'type'),
    encryption: text('m.room.encryption', 'algorithm'),
    ...(looksAtRooms(joinRule) && { allowed_room_ids: allowedRooms(contents.get('m.room.join_rules')) }),
  };
}

export function isSpace({ room_type }: RoomSummary): boolean {
  return room_type === 'm.space';
}

/** Whether whoever is not banned may join, or ask to; a rule that the room's version does not have lets nobody in. */
export function isOpen(summary: RoomSummary): boolean {
  return ['public', 'knock', 'knock_restricted'].includes(effectiveRule(summary));
}

/** The rooms whose members may join; none where the room's version does not have such a rule. */
export function roomsThatLetIn(summary: RoomSummary): readonly RoomId[] {
  return looksAtRooms(effectiveRule(summary)) ? (summary.allowed_room_ids ?? []) : [];
}

function effectiveRule({ join_rule = 'public', room_version }: RoomSummary): string {
  const rules = room_version === undefined ? undefined : rulesOf(room_version);
  return rules === undefined || hasRule(rules, join_rule) ? join_rule : 'invite';
}

function hasRule(rules: RoomVersionRules, joinRule: string): boolean {
  if (joinRule === 'knock') return rules.authRules.knockNotAllowed !== undefined;
  if (joinRule === 'restricted') return rules.authRules.joinUnauthorised !== undefined;
  return joinRule !== 'knock_restricted' || rules.knockRestrictedJoinRule;
}

const looksAtRooms = (joinRule: string) => ['restricted', 'knock_restricted'].includes(joinRule);

/** By the one condition that the specification knows. */
function allowedRooms(joinRules: JsonObject | undefined): RoomId[] {
  const allow = joinRules?.['allow'];
  if (!Array.isArray(allow)) return [];
  return allow.flatMap((condition) => {
    if (!isJsonObject(condition) || condition['type'] !== 'm.room_membership') return [];
    return isRoomId(condition['room_id']) ? [condition['room_id']] : [];
  });
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
