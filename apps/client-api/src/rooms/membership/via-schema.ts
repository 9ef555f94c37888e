import { MAX_VIA, serverNameSchema } from '@atoll/contract';
import { z } from 'zod';

/** A parameter that may be repeated. */
const serversSchema = z
  .union([serverNameSchema.transform((server) => [server]), z.array(serverNameSchema).max(MAX_VIA)])
  .default([]);

/** The servers by which a client thinks that a room can be reached; `server_name` is what older clients call `via`. */
export const viaSchema = z
  .object({ via: serversSchema, server_name: serversSchema })
  .transform(({ via, server_name }) => [...via, ...server_name]);
export type Via = z.output<typeof viaSchema>;
