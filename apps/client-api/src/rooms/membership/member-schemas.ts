import { userIdSchema } from '@atoll/contract';
import { optionalBody } from '@atoll/http';
import { z } from 'zod';

/** Of actions on somebody else. */
export const targetBodySchema = z.object({ user_id: userIdSchema, reason: z.string().optional() });
export type TargetBody = z.output<typeof targetBodySchema>;

/** Of actions on oneself. */
export const reasonBodySchema = optionalBody(z.object({ reason: z.string().optional() }));
export type ReasonBody = z.output<typeof reasonBodySchema>;
