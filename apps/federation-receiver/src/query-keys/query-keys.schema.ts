import { serverNameSchema } from '@atoll/contract';
import { isServerName, tooLarge, type ServerName } from '@atoll/matrix';
import { z } from 'zod';

/** Enough for every server of a large room; each costs a row and a signature. */
const MAX_SERVERS = 2000;

export const queryParamsSchema = z.object({ serverName: serverNameSchema });

export const queryQuerySchema = z.object({ minimum_valid_until_ts: z.coerce.number().int().optional() });

/** By server name, then by key id. */
export const queryBodySchema = z.object({
  server_keys: z.record(
    z.string(),
    z.record(z.string(), z.object({ minimum_valid_until_ts: z.int().optional() })),
  ),
});

/** What a query wants of a server's answer. */
export interface WantedAnswer {
  readonly serverName: ServerName;
  /** Until when it should be valid: ms since 1970. */
  readonly validUntil: number;
  /** The keys that it should list, if any are named. */
  readonly keyIds: readonly string[];
}

/**
 * The answers that a query wants, valid now unless it says otherwise. Names that no server can have are passed over.
 * @throws {MatrixError} 413 `M_TOO_LARGE`
 */
export function wantedOf({ server_keys }: z.output<typeof queryBodySchema>): WantedAnswer[] {
  const now = Date.now();
  const wanted = Object.entries(server_keys).flatMap(([serverName, keys]): WantedAnswer[] => {
    if (!isServerName(serverName)) return [];
    const times = Object.values(keys).map((key) => key.minimum_valid_until_ts ?? now);
    const validUntil = times.length > 0 ? Math.max(...times) : now;
    return [{ serverName, validUntil, keyIds: Object.keys(keys) }];
  });
  if (wanted.length > MAX_SERVERS) throw tooLarge(`Ask for at most ${MAX_SERVERS} servers at once`);
  return wanted;
}
