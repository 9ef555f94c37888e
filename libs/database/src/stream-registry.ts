import {
  type Announcement,
  AccountDataChanged,
  DeviceListsChanged,
  EventsCommitted,
  KeyCountsChanged,
  PresenceChanged,
  ReceiptsChanged,
  ThreadSubscriptionsChanged,
  ToDeviceChanged,
  TypingChanged,
} from '@atoll/contract';
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
  receipts: {
    table: 'receipts',
    positionColumn: 'position',
    lane: { key: 3, sequence: 'receipts_position' },
    announcement: ReceiptsChanged,
    wakes: 'room',
  },
  typing: {
    table: 'typing',
    positionColumn: 'position',
    lane: { key: 4, sequence: 'typing_position' },
    announcement: TypingChanged,
    wakes: 'room',
  },
  presence: {
    table: 'presence',
    positionColumn: 'position',
    lane: { key: 5, sequence: 'presence_position' },
    announcement: PresenceChanged,
    wakes: 'room',
  },
  thread_subscriptions: {
    table: 'thread_subscriptions',
    positionColumn: 'position',
    lane: { key: 6, sequence: 'thread_subscriptions_position' },
    announcement: ThreadSubscriptionsChanged,
    wakes: 'user',
  },
  device_lists: {
    table: 'device_lists',
    positionColumn: 'position',
    lane: { key: 7, sequence: 'device_lists_position' },
    announcement: DeviceListsChanged,
    wakes: 'room',
  },
  key_counts: {
    table: 'key_counts',
    positionColumn: 'position',
    lane: { key: 8, sequence: 'key_counts_position' },
    announcement: KeyCountsChanged,
    wakes: 'user',
  },
  to_device: {
    table: 'to_device',
    positionColumn: 'position',
    lane: { key: 9, sequence: 'to_device_position' },
    announcement: ToDeviceChanged,
    wakes: 'user',
  },
} as const satisfies Record<string, DurableStream>;

export type StreamName = keyof typeof STREAMS;

/** In the order of token fields. */
export const STREAM_NAMES = Object.keys(STREAMS) as readonly StreamName[];

/** How far each stream has been read. */
export type StreamPositions = Readonly<Record<StreamName, number>>;
