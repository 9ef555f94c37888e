import { roomIdSchema, userIdSchema } from '@atoll/contract';
import { forbidden, type UserId } from '@atoll/matrix';
import { z } from 'zod';
import type { RequesterInfo } from '../auth/requester-info.js';
import { textSchema } from '../auth/text.schema.js';

export const globalParams = z.object({ userId: userIdSchema, type: textSchema(255) });
export const roomParams = globalParams.extend({ roomId: roomIdSchema });
export type GlobalParams = z.output<typeof globalParams>;
export type RoomParams = z.output<typeof roomParams>;

/** @throws MatrixError 403 M_FORBIDDEN */
export function requireOwner(requester: RequesterInfo, userId: UserId): void {
  if (requester.userId !== userId) throw forbidden("This is somebody else's account data");
}
