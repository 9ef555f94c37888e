import type { StoredEvent } from '@atoll/database';
import { isRoomId, isUserId } from '@atoll/matrix';
import { z } from 'zod';
import { textSchema } from '../auth/text.schema.js';

const MAX_PATTERNS = 100;
const MAX_TYPE = 255;
/** Each pattern is tried on every event. */
const types = z
  .array(z.string().max(MAX_TYPE))
  .refine(
    (list) => list.filter((type) => type.includes('*')).length <= MAX_PATTERNS,
    `more than ${MAX_PATTERNS} patterns`,
  );
const userIds = z.array(z.string().refine((id): boolean => isUserId(id), 'not a user id'));
/** The database is asked for them. */
const relTypes = z.array(textSchema(MAX_TYPE));
const roomIds = z.array(z.string().refine((id): boolean => isRoomId(id), 'not a room id'));

/**
 * `related_by_rel_types` and `related_by_senders` are of MSC3440, whose endpoints for threads later replaced them. They hold for messages, the events
 * around an event, and the timelines of sync; states and searches are told without them.
 * @see https://spec.matrix.org/v1.19/client-server-api/#filtering
 */
export const roomEventFilterSchema = z.object({
  limit: z.number().int().positive().optional(),
  types: types.optional(),
  not_types: types.optional(),
  senders: userIds.optional(),
  not_senders: userIds.optional(),
  rooms: roomIds.optional(),
  not_rooms: roomIds.optional(),
  contains_url: z.boolean().optional(),
  lazy_load_members: z.boolean().optional(),
  include_redundant_members: z.boolean().optional(),
  related_by_rel_types: relTypes.optional(),
  related_by_senders: userIds.optional(),
  unread_thread_notifications: z.boolean().optional(),
});
export type RoomEventFilter = z.output<typeof roomEventFilterSchema>;

/** Makes a filter into a question about an event by itself, as it is served (redacted events have no `url`). */
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
  const isWanted = types && compilePatterns(types);
  const isUnwanted = compilePatterns(notTypes ?? []);
  return (type) => !isUnwanted(type) && (isWanted?.(type) ?? true);
}

function compilePatterns(patterns: readonly string[]): (type: string) => boolean {
  const literal = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const others = patterns.filter((pattern) => pattern.includes('*')).map(compilePattern);
  return (type) => literal.has(type) || others.some((matches) => matches(type));
}

/** Whether a value is among the wanted, if these are given, and not among the unwanted. */
export function compileList(
  wanted: readonly string[] | undefined,
  unwanted: readonly string[] = [],
): (value: string) => boolean {
  const only = wanted && new Set(wanted);
  const never = new Set(unwanted);
  return (value: string) => !never.has(value) && (only?.has(value) ?? true);
}

/** Matches by walking the literal parts, so that no pattern takes more than linear time per part. */
function compilePattern(pattern: string): (type: string) => boolean {
  const parts = pattern.split('*');
  const [first = ''] = parts;
  const last = parts.at(-1) ?? '';
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
