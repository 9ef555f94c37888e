import type { StoredEvent } from '@atoll/database';
import { isRoomId, isUserId } from '@atoll/matrix';
import { z } from 'zod';

const userIds = z.array(z.string().refine((id): boolean => isUserId(id), 'not a user id'));
const roomIds = z.array(z.string().refine((id): boolean => isRoomId(id), 'not a room id'));

/** @see https://spec.matrix.org/v1.19/client-server-api/#filtering */
export const roomEventFilterSchema = z.object({
  limit: z.number().int().positive().optional(),
  types: z.array(z.string()).optional(),
  not_types: z.array(z.string()).optional(),
  senders: userIds.optional(),
  not_senders: userIds.optional(),
  rooms: roomIds.optional(),
  not_rooms: roomIds.optional(),
  contains_url: z.boolean().optional(),
  lazy_load_members: z.boolean().optional(),
  include_redundant_members: z.boolean().optional(),
  unread_thread_notifications: z.boolean().optional(),
});
export type RoomEventFilter = z.output<typeof roomEventFilterSchema>;

/** Makes a filter into a question about an event, as it is served (redacted events have no `url`). */
export function compileFilter(filter: RoomEventFilter): (event: StoredEvent) => boolean {
  const matchesType = compileTypes(filter.types, filter.not_types);
  const matchesSender = compileList(filter.senders, filter.not_senders);
  const matchesRoom = compileList(filter.rooms, filter.not_rooms);
  return (event) =>
    matchesType(event.pdu.type) &&
    matchesSender(event.pdu.sender) &&
    matchesRoom(event.roomId) &&
    (filter.contains_url === undefined || containsUrl(event) === filter.contains_url);
}

/** Whether a type passes `types` and `not_types`, in which `*` stands for any characters. */
export function compileTypes(
  types: readonly string[] | undefined,
  notTypes: readonly string[] | undefined,
): (type: string) => boolean {
  const wanted = types?.map(compilePattern);
  const unwanted = notTypes?.map(compilePattern) ?? [];
  return (type) =>
    !unwanted.some((matches) => matches(type)) && (wanted?.some((matches) => matches(type)) ?? true);
}

function compileList(wanted: readonly string[] | undefined, unwanted: readonly string[] = []) {
  const only = wanted && new Set(wanted);
  const never = new Set(unwanted);
  return (value: string) => !never.has(value) && (only?.has(value) ?? true);
}

/** Matches by walking the literal parts, so that no pattern takes more than linear time per part. */
function compilePattern(pattern: string): (type: string) => boolean {
  const parts = pattern.split('*');
  const [first = ''] = parts;
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return (type) => type === pattern;
  return (type) => {
    if (type.length < first.length + last.length || !type.startsWith(first) || !type.endsWith(last))
      return false;
    const end = type.length - last.length;
    let at = first.length;
    for (const part of parts.slice(1, -1)) {
      const found = type.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

function containsUrl({ pdu, redactedBecause }: StoredEvent): boolean {
  return redactedBecause === undefined && Object.hasOwn(pdu.content, 'url');
}
