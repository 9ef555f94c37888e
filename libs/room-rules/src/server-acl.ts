import { isIP } from 'node:net';
import type { JsonObject, JsonValue, ServerName } from '@atoll/matrix';

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

/**
 * `*` stands for any characters, `?` for exactly one. Other than a regular expression made of the glob, this never takes more
 * steps than the product of both lengths, whoever wrote the glob.
 * @see https://spec.matrix.org/v1.19/appendices/#glob-style-matching
 */
function matchesGlob(glob: string, text: string): boolean {
  let [inGlob, inText] = [0, 0];
  // The last star, and up to where it has swallowed text so far.
  let [star, swallowed] = [-1, 0];
  while (inText < text.length) {
    if (glob[inGlob] === '*') {
      star = inGlob++;
      swallowed = inText;
    } else if (glob[inGlob] === '?' || glob[inGlob] === text[inText]) {
      inGlob++;
      inText++;
    } else if (star >= 0) {
      inGlob = star + 1;
      inText = ++swallowed;
    } else {
      return false;
    }
  }
  while (glob[inGlob] === '*') inGlob++;
  return inGlob === glob.length;
}
