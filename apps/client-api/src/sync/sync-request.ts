import type { StreamPositions } from '@atoll/database';
import type { DeviceId, UserId } from '@atoll/matrix';
import { z } from 'zod';
import type { SyncFilter } from './sync-filter.js';
import { decodeSyncToken } from './sync-token.js';

const LONGEST_WAIT_MS = 120_000;
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
export const syncQuerySchema = z.object({
  filter: z.string().optional(),
  since: z
    .string()
    .transform((token, context) => {
      const since = decodeSyncToken(token);
      if (since !== undefined) return since;
      context.addIssue({ code: 'custom', message: 'not a token of this server' });
      return z.NEVER;
    })
    .optional(),
  full_state: flag.optional(),
  set_presence: z.enum(['offline', 'online', 'unavailable']).optional(),
  timeout: z
    .string()
    .regex(/^\d{1,15}$/, 'not a number of milliseconds')
    .transform((value) => Math.min(Number(value), LONGEST_WAIT_MS))
    .optional(),
  use_state_after: flag.optional(),
  'org.matrix.msc4222.use_state_after': flag.optional(),
});
export type SyncQuery = z.output<typeof syncQuerySchema>;

/** The field in which a room's state is told; older clients know MSC4222 by its own name only. */
export type StateField = 'state' | 'state_after' | 'org.matrix.msc4222.state_after';

/** What one sync is about: all that is read depends on this and on the upper bound alone. */
export interface SyncRequest {
  readonly userId: UserId;
  readonly deviceId: DeviceId | undefined;
  readonly since: StreamPositions | undefined;
  /** The first sync that `since` goes back to, where that is known. */
  readonly chain?: string | undefined;
  readonly fullState: boolean;
  readonly stateField: StateField;
  /** Whether the answer tells the device its messages. Where it does not, its token acknowledges none. */
  readonly toDevice: boolean;
  readonly filter: SyncFilter;
}

export function stateFieldOf(query: SyncQuery): StateField {
  if (query.use_state_after === true) return 'state_after';
  return query['org.matrix.msc4222.use_state_after'] === true ? 'org.matrix.msc4222.state_after' : 'state';
}
