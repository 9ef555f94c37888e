import { isIP } from 'node:net';
import { type JsonObject, type JsonValue, matchesGlob, type ServerName } from '@atoll/matrix';

const PORT = /:[0-9]+$/;

/**
 * Whether a room's `m.room.server_acl` lets a server take part in the room.
 *
 * @param aclContent the content of the event in the room's current state; undefined where there is none, which allows everybody.
 *   Lists that are no lists count as empty, and an empty `allow` allows nobody.
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl
 */
export function isServerAllowed(aclContent: JsonObject | undefined, serverName: ServerName): boolean {
  if (aclContent === undefined) return true;
  const host = serverName.replace(PORT, '').toLowerCase();
  if (aclContent['allow_ip_literals'] === false && isIpLiteral(host)) return false;
  if (matchesAny(aclContent['deny'], host)) return false;
  return matchesAny(aclContent['allow'], host);
}

/** In a server name, IPv6 addresses stand in brackets. */
function isIpLiteral(host: string): boolean {
  return host.startsWith('[') || isIP(host) === 4;
}

function matchesAny(globs: JsonValue | undefined, host: string): boolean {
  return (
    Array.isArray(globs) &&
    globs.some((glob) => typeof glob === 'string' && matchesGlob(glob.toLowerCase(), host))
  );
}
