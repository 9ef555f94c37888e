import type { MembershipAction } from '@atoll/contract';
import { forbidden } from '@atoll/matrix';

/** The membership that each action writes. */
export const newMembership = {
  join: 'join',
  invite: 'invite',
  leave: 'leave',
  kick: 'leave',
  ban: 'ban',
  unban: 'leave',
  knock: 'knock',
  'update-profile': 'join',
} as const satisfies Record<MembershipAction, string>;

/**
 * What an endpoint refuses although the room's auth rules, which know only memberships, would let the event pass:
 * kicking somebody who is not there, unbanning somebody who is not banned.
 * @throws MatrixError `M_FORBIDDEN`
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidkick
 */
export function checkTransition(action: MembershipAction, current: string | undefined): void {
  if (action === 'kick' && current !== 'join' && current !== 'invite' && current !== 'knock') {
    throw forbidden('The user is not in the room');
  }
  if (action === 'unban' && current !== 'ban') throw forbidden('The user is not banned');
  if (action === 'leave' && current === 'ban') throw forbidden('You are banned from the room');
}
