import { eventIdSchema, roomIdSchema } from '@atoll/contract';
import { z } from 'zod';

export const roomParamsSchema = z.object({ roomId: roomIdSchema });
export type RoomParams = z.output<typeof roomParamsSchema>;

export const stateQuerySchema = z.object({ event_id: eventIdSchema });
export type StateQuery = z.output<typeof stateQuerySchema>;
