import type { ColumnType, Generated } from 'kysely';
import type { UserId } from '@atoll/matrix';

/** The text that a document holds, by number. */
export const SEARCH_KEYS = { 'content.body': 1, 'content.name': 2, 'content.topic': 3 } as const;
export type SearchKey = keyof typeof SEARCH_KEYS;

/** How far each index has come: see migration 0015. */
export interface IndexCursorsTable {
  name: 'event_search' | 'user_directory';
  position: Generated<number>;
  backfilled_to: Generated<number>;
  settling_to: number | null;
  settling_xid: string | null;
}

/** `tsvector`, written and compared as text. */
type Document = ColumnType<string, string, string>;

export interface EventSearchTable {
  event_nid: number;
  room_nid: number;
  position: number;
  sender_nid: number;
  key: (typeof SEARCH_KEYS)[SearchKey];
  has_url: boolean;
  document: Document;
}

export interface DirectoryRoomsTable {
  room_nid: number;
  is_open: boolean;
  is_seeded: Generated<boolean>;
  next_user_nid: number | null;
}

export interface UserDirectoryTable {
  user_nid: number;
  user_id: UserId;
  display_name: string | null;
  folded_name: string | null;
  avatar_url: string | null;
  document: Document;
}
