import { z } from 'zod';
import { defineAnnouncement } from './define-announcement.js';
import { userIdSchema } from './room/schemas.js';
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

/** Partitions of a kind of instance were released, or an instance came or went: reconcile now. */
export const PartitionsChanged = defineAnnouncement({
  name: 'partitions-changed',
  version: 1,
  payload: z.object({ kind: z.enum(serviceNames) }),
});
