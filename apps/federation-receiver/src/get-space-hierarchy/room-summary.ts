import type { EventText, RoomRecord } from '@atoll/database';
import { isJsonObject, isRoomId, type JsonObject, type JsonValue, type RoomId } from '@atoll/matrix';
import { servedPdu } from '../room-access/served-pdu.js';

/** The state events that a summary is made from, and that say who may come in. */
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
  'm.room.server_acl',
];

/** A room and what its state says, by event type. */
export interface SummarizedRoom {
  readonly room: RoomRecord;
  readonly joinedMembers: number;
  readonly contents: ReadonlyMap<string, JsonObject>;
}

/** What events of `SUMMARY_TYPES` say, by their type. */
export function contentsByType(events: readonly EventText[]): Map<string, JsonObject> {
  return new Map(events.map(servedPdu).map(({ type, content }) => [type, content]));
}

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid */
export function roomSummary(summarized: SummarizedRoom): JsonObject {
  const { room, joinedMembers, contents } = summarized;
  const text = (type: string, key: string) => textOf(contents.get(type)?.[key]);
  return {
    room_id: room.roomId,
    num_joined_members: joinedMembers,
    world_readable: isWorldReadable(summarized),
    guest_can_join: text('m.room.guest_access', 'guest_access') === 'can_join',
    join_rule: joinRule(summarized),
    room_version: room.version,
    name: text('m.room.name', 'name'),
    topic: text('m.room.topic', 'topic'),
    avatar_url: text('m.room.avatar', 'url'),
    canonical_alias: text('m.room.canonical_alias', 'alias'),
    room_type: text('m.room.create', 'type'),
    encryption: text('m.room.encryption', 'algorithm'),
    ...(hasAllowedRooms(summarized) && { allowed_room_ids: allowedRooms(summarized) }),
  };
}

export function isSpace({ contents }: SummarizedRoom): boolean {
  return contents.get('m.room.create')?.['type'] === 'm.space';
}

export function isWorldReadable({ contents }: SummarizedRoom): boolean {
  return contents.get('m.room.history_visibility')?.['history_visibility'] === 'world_readable';
}

/** Without an event it is `invite`. */
export function joinRule({ contents }: SummarizedRoom): string {
  return textOf(contents.get('m.room.join_rules')?.['join_rule']) ?? 'invite';
}

/** The rooms whose members may join, by the condition that the specification knows; none unless the join rule looks at them. */
export function allowedRooms(summarized: SummarizedRoom): RoomId[] {
  const allow = summarized.contents.get('m.room.join_rules')?.['allow'];
  if (!hasAllowedRooms(summarized) || !Array.isArray(allow)) return [];
  return allow.flatMap((condition) => {
    if (!isJsonObject(condition) || condition['type'] !== 'm.room_membership') return [];
    return isRoomId(condition['room_id']) ? [condition['room_id']] : [];
  });
}

function hasAllowedRooms(summarized: SummarizedRoom): boolean {
  return ['restricted', 'knock_restricted'].includes(joinRule(summarized));
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
