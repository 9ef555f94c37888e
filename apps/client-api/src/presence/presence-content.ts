import type { UserPresence } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';

/**
 * What clients and other servers are told of a user's presence.
 * @param now ms since 1970
 * @see https://spec.matrix.org/v1.19/client-server-api/#mpresence
 */
export function presenceContent(
  { presence, statusMsg, lastActiveTs, currentlyActive }: Omit<UserPresence, 'userId'>,
  now: number,
): JsonObject {
  return {
    presence,
    ...(lastActiveTs > 0 && { last_active_ago: Math.max(0, now - lastActiveTs) }),
    ...(presence === 'online' && { currently_active: currentlyActive }),
    ...(statusMsg !== null && { status_msg: statusMsg }),
  };
}
