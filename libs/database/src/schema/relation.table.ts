import type { EventId } from '@atoll/matrix';
import type { Generated } from 'kysely';

/** Numbers that migration 0012 gives to the relationship types that the specification names. */
export const REL_TYPE_NIDS = { 'm.thread': 1, 'm.replace': 2, 'm.reference': 3, 'm.annotation': 4 } as const;
export const KNOWN_REL_TYPES: ReadonlyMap<string, number> = new Map(Object.entries(REL_TYPE_NIDS));

/** Interned relationship types. */
export interface RelationTypesTable {
  rel_type_nid: Generated<number>;
  rel_type: string;
}

/** Events of timelines that name a parent, which need not exist. Redacted children keep their rows. */
export interface EventRelationsTable {
  room_nid: number;
  /** Of the child, in the events stream. */
  position: number;
  event_nid: number;
  sender_nid: number;
  type_nid: number;
  rel_type_nid: number;
  parent_event_id: EventId;
}

/** Threads of rooms by their latest reply that is not redacted. */
export interface ThreadsTable {
  room_nid: number;
  latest_position: number | null;
  root_event_id: EventId;
}
