import type { StoredEvent } from '@atoll/database';
import { type JsonObject, type RoomId } from '@atoll/matrix';
import { z } from 'zod';
import {
  compileFilter,
  compileList,
  compileTypes,
  type RoomEventFilter,
  roomEventFilterSchema,
} from '../events/room-event-filter.js';
import type { RelatedBy } from '../relations/related-events.js';
import { compileEventFields } from './event-fields.js';

const { rooms, not_rooms } = roomEventFilterSchema.shape;
const eventFilterSchema = roomEventFilterSchema.pick({
  limit: true,
  types: true,
  not_types: true,
  senders: true,
  not_senders: true,
});

/** Each is looked for in every event. */
const MAX_FIELDS = 100;

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter */
export const filterSchema = z.object({
  event_fields: z.array(z.string()).max(MAX_FIELDS).optional(),
  event_format: z.enum(['client', 'federation']).optional(),
  presence: eventFilterSchema.optional(),
  account_data: eventFilterSchema.optional(),
  room: z
    .object({
      rooms,
      not_rooms,
      include_leave: z.boolean().optional(),
      account_data: roomEventFilterSchema.optional(),
      ephemeral: roomEventFilterSchema.optional(),
      state: roomEventFilterSchema.optional(),
      timeline: roomEventFilterSchema.optional(),
    })
    .optional(),
});
export type Filter = z.output<typeof filterSchema>;

/** A filter as questions. */
export interface SyncFilter {
  readonly includesRoom: (roomId: RoomId) => boolean;
  readonly includesLeft: boolean;
  readonly timeline: {
    readonly limit: number;
    readonly matches: (event: StoredEvent) => boolean;
    readonly relatedBy: RelatedBy;
  };
  /** What is unread is told of each thread by itself. */
  readonly countsThreads: boolean;
  readonly state: {
    readonly matchesType: (type: string) => boolean;
    readonly matches: (event: StoredEvent) => boolean;
    readonly isLazy: boolean;
    readonly isRedundant: boolean;
  };
  readonly ephemeral: {
    readonly matchesType: (type: string) => boolean;
    readonly matchesRoom: (roomId: RoomId) => boolean;
  };
  readonly presence: {
    readonly matchesType: (type: string) => boolean;
    readonly matchesSender: (sender: string) => boolean;
  };
  readonly accountData: (type: string) => boolean;
  readonly roomAccountData: (roomId: RoomId, type: string) => boolean;
  readonly format: 'client-without-room-id' | 'federation';
  readonly fields: ((event: JsonObject) => JsonObject) | undefined;
}

const DEFAULT_TIMELINE = 10;
const LARGEST_TIMELINE = 100;

export function compileSyncFilter({
  room = {},
  account_data,
  presence = {},
  event_fields,
  event_format,
}: Filter): SyncFilter {
  const { timeline = {}, state = {}, ephemeral = {} } = room;
  const roomAccountData = room.account_data ?? {};
  const roomAccountDataRooms = compileRooms(roomAccountData);
  const roomAccountDataTypes = compileTypes(roomAccountData.types, roomAccountData.not_types);
  return {
    includesRoom: compileRooms(room),
    includesLeft: room.include_leave ?? false,
    timeline: {
      limit: Math.min(timeline.limit ?? DEFAULT_TIMELINE, LARGEST_TIMELINE),
      matches: compileFilter(timeline),
      relatedBy: timeline,
    },
    countsThreads: timeline.unread_thread_notifications ?? false,
    state: {
      matchesType: compileTypes(state.types, state.not_types),
      matches: compileFilter(state),
      isLazy: state.lazy_load_members ?? false,
      isRedundant: state.include_redundant_members ?? false,
    },
    ephemeral: {
      matchesType: compileTypes(ephemeral.types, ephemeral.not_types),
      matchesRoom: compileRooms(ephemeral),
    },
    presence: {
      matchesType: compileTypes(presence.types, presence.not_types),
      matchesSender: compileList(presence.senders, presence.not_senders),
    },
    accountData: compileTypes(account_data?.types, account_data?.not_types),
    roomAccountData: (roomId, type) => roomAccountDataRooms(roomId) && roomAccountDataTypes(type),
    format: event_format === 'federation' ? 'federation' : 'client-without-room-id',
    fields: event_fields && compileEventFields(event_fields),
  };
}

function compileRooms(filter: Pick<RoomEventFilter, 'rooms' | 'not_rooms'>): (roomId: RoomId) => boolean {
  return compileList(filter.rooms, filter.not_rooms);
}
