import { serverNameSchema } from '@atoll/contract';
import { z } from 'zod';

/** @see https://spec.matrix.org/v1.19/client-server-api/#content-repo-security-considerations */
export const contentParamsSchema = z.object({
  serverName: serverNameSchema,
  mediaId: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, 'not a media id'),
  fileName: z.string().optional(),
});
