import { invalidParam, isRoomAlias, type RoomAlias, type ServerName } from '@atoll/matrix';

/**
 * The alias that a client asks for by its local part.
 * @throws MatrixError 400 for a name that makes no alias of this server
 */
export function initialAlias(localpart: string, serverName: ServerName): RoomAlias {
  const alias = `#${localpart}:${serverName}`;
  if (localpart.includes(':') || /\s/.test(localpart) || !isRoomAlias(alias)) {
    throw invalidParam('room_alias_name cannot be the local part of an alias');
  }
  return alias;
}
