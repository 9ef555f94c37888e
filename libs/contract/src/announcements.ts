import { z } from 'zod';
import { defineAnnouncement } from './define-announcement.js';
import { roomIdSchema, serverNameSchema, userIdSchema } from './room/schemas.js';
import { serviceNames } from './services.js';

/** Events have become visible in the `events` stream: a hint to read PostgreSQL from the last position on. */
export const EventsCommitted = defineAnnouncement({
  name: 'events-committed',
  version: 1,
  payload: z.object({ from: z.number().int(), to: z.number().int() }),
});

/** A user's account data has a new position. */
export const AccountDataChanged = defineAnnouncement({
  name: 'account-data-changed',
  version: 1,
  payload: z.object({ position: z.number().int(), userId: userIdSchema }),
});

/** The `receipts` stream has grown up to a position. */
export const ReceiptsChanged = defineAnnouncement({
  name: 'receipts-changed',
  version: 1,
  payload: z.object({ position: z.number().int() }),
});

/** The `typing` stream has grown up to a position. */
export const TypingChanged = defineAnnouncement({
  name: 'typing-changed',
  version: 1,
  payload: z.object({ position: z.number().int() }),
});

/** The `presence` stream has grown up to a position. */
export const PresenceChanged = defineAnnouncement({
  name: 'presence-changed',
  version: 1,
  payload: z.object({ position: z.number().int() }),
});

/** A user's subscription to a thread has a new position. */
export const ThreadSubscriptionsChanged = defineAnnouncement({
  name: 'thread-subscriptions-changed',
  version: 1,
  payload: z.object({ position: z.number().int(), userId: userIdSchema }),
});

/** The `device_lists` stream has grown up to a position. */
export const DeviceListsChanged = defineAnnouncement({
  name: 'device-lists-changed',
  version: 1,
  payload: z.object({ position: z.number().int() }),
});

/** The `key_counts` stream has grown up to a position. */
export const KeyCountsChanged = defineAnnouncement({
  name: 'key-counts-changed',
  version: 1,
  payload: z.object({ position: z.number().int() }),
});

/** The lane of `to_device` has grown up to a position: for devices here, for other servers, or both. */
export const ToDeviceChanged = defineAnnouncement({
  name: 'to-device-changed',
  version: 1,
  payload: z.object({ position: z.number().int() }),
});

/** Events of other servers wait for the owner of their room in `staged_pdus`: a hint, the owner also looks by itself. */
export const PdusStaged = defineAnnouncement({
  name: 'pdus-staged',
  version: 1,
  payload: z.object({ roomId: roomIdSchema }),
});

/** Another server was heard from, and its back-off is cleared: try it now. */
export const DestinationReachable = defineAnnouncement({
  name: 'destination-reachable',
  version: 1,
  payload: z.object({ destination: serverNameSchema }),
});

/** Partitions of a kind of instance were released, or an instance came or went: reconcile now. */
export const PartitionsChanged = defineAnnouncement({
  name: 'partitions-changed',
  version: 1,
  payload: z.object({ kind: z.enum(serviceNames) }),
});
