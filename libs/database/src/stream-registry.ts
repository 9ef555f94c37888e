import { type Announcement, AccountDataChanged, EventsCommitted } from '@atoll/contract';
import type { DatabaseSchema } from './schema/database-schema.js';

/** A table whose rows get positions that become visible in order, and that sync reads by position. */
export interface DurableStream {
  readonly table: keyof DatabaseSchema;
  readonly positionColumn: string;
  /** Its writers take positions one after the other: the number of their lock, never used again, and the sequence. */
  readonly lane: { readonly key: number; readonly sequence: string };
  /** Published after the commit, as a hint to read the table. */
  readonly announcement: Announcement;
  /** Whom a new row concerns: those joined to its room, or one user. */
  readonly wakes: 'room' | 'user';
}

/**
 * Every durable stream. The order is the order of fields in sync tokens: append, never reorder. The sequence and the table come with
 * a migration.
 */
export const STREAMS = {
  events: {
    table: 'event_positions',
    positionColumn: 'position',
    lane: { key: 1, sequence: 'events_position' },
    announcement: EventsCommitted,
    wakes: 'room',
  },
  account_data: {
    table: 'account_data',
    positionColumn: 'position',
    lane: { key: 2, sequence: 'account_data_position' },
    announcement: AccountDataChanged,
    wakes: 'user',
  },
} as const satisfies Record<string, DurableStream>;

export type StreamName = keyof typeof STREAMS;

/** In the order of token fields. */
export const STREAM_NAMES = Object.keys(STREAMS) as readonly StreamName[];

/** How far each stream has been read. */
export type StreamPositions = Readonly<Record<StreamName, number>>;
