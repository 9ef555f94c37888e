import { serverNameSchema } from '@atoll/contract';
import { isServerName, tooLarge, type ServerName } from '@atoll/matrix';
import { z } from 'zod';

/** Enough for every server of a large room; each costs a row and a signature. */
const MAX_SERVERS = 2000;

export const queryParamsSchema = z.object({ serverName: serverNameSchema });

/** By server name, then by key id. */
export const queryBodySchema = z.object({
  server_keys: z.record(
    z.string(),
    z.record(z.string(), z.object({ minimum_valid_until_ts: z.int().optional() })),
  ),
});

/**
 * The servers that a query names; names that no server can have are passed over.
 * @throws {MatrixError} 413 `M_TOO_LARGE`
 */
export function serversOf({ server_keys }: z.output<typeof queryBodySchema>): ServerName[] {
  const names = Object.keys(server_keys).filter(isServerName);
  if (names.length > MAX_SERVERS) throw tooLarge(`Ask for at most ${MAX_SERVERS} servers at once`);
  return names;
}
