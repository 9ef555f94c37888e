import { z } from 'zod';
import { roomVersionSchema } from '../create-room/create-room.schema.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidupgrade */
export const upgradeRoomSchema = z.object({
  new_version: roomVersionSchema,
  /** Looked at only where the new version has them. */
  additional_creators: z.unknown().optional(),
});
export type UpgradeRoomBody = z.output<typeof upgradeRoomSchema>;
