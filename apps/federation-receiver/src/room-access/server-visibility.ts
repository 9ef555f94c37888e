import type { ServerView } from '@atoll/database';
import { type Pdu, type ServerName, serverNameOf, type UserId } from '@atoll/matrix';

/**
 * Whether a server in the room may see an event whole. Events that change the setting, or the membership of one of the server's
 * users, are judged by the values on either side. A setting that is absent or not understood is `shared`.
 * @param event read only if it matters: parsing costs
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
 */
export function mayServerSee(serverName: ServerName, event: () => Pdu, before: ServerView): boolean {
  return isAllowed(before.historyVisibility, before) || isAllowedAfter(serverName, event(), before);
}

function isAllowedAfter(serverName: ServerName, event: Pdu, before: ServerView): boolean {
  const member = event.type === 'm.room.member' && isUserOf(serverName, event.state_key);
  const membership = member ? event.content['membership'] : undefined;
  const isSetting = event.type === 'm.room.history_visibility' && event.state_key === '';
  const users = {
    isJoined: before.isJoined || membership === 'join',
    isInvited: before.isInvited || membership === 'invite',
  };
  return (
    isAllowed(before.historyVisibility, users) ||
    (isSetting && isAllowed(event.content['history_visibility'], users))
  );
}

type Users = Pick<ServerView, 'isJoined' | 'isInvited'>;

function isAllowed(setting: unknown, { isJoined, isInvited }: Users): boolean {
  if (setting === 'joined') return isJoined;
  return setting !== 'invited' || isJoined || isInvited;
}

const isUserOf = (serverName: ServerName, stateKey: string | undefined) =>
  stateKey !== undefined && serverNameOf(stateKey as UserId) === serverName;
