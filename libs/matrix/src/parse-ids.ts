import type { DeviceId, EventId, RoomAlias, RoomId, ServerName, UserId } from './ids.js';

const MAX_BYTES = 255;
const SERVER_NAME = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,255})(:[0-9]{1,5})?$/;
const STRICT_LOCALPART = /^[a-z0-9._=/+-]+$/;
const OPAQUE_HASH = /^[A-Za-z0-9_-]{43}$/;

const withinLimit = (value: string) => Buffer.byteLength(value) <= MAX_BYTES;
/** Half a character is no UTF-8, and PostgreSQL holds no NUL in text. */
const isStorable = (value: string) => value.isWellFormed() && !value.includes('\0');

/** @see https://spec.matrix.org/v1.19/appendices/#server-name */
export function isServerName(value: unknown): value is ServerName {
  return typeof value === 'string' && withinLimit(value) && SERVER_NAME.test(value);
}

function isSigilId(value: unknown, sigil: string): value is string {
  return hasSigilGrammar(value, sigil) && withinLimit(value);
}

/** A sigil, an opaque part of any length, a colon and a server name. */
function hasSigilGrammar(value: unknown, sigil: string): value is string {
  if (typeof value !== 'string' || !value.startsWith(sigil)) return false;
  const colon = value.indexOf(':');
  if (colon < 0 || !isStorable(value)) return false;
  // Before the colon stands whatever the historical grammar allows: servers must accept it from others.
  return isServerName(value.slice(colon + 1));
}

/** Accepts historical user ids, as servers must. @see https://spec.matrix.org/v1.19/appendices/#user-identifiers */
export function isUserId(value: unknown): value is UserId {
  return isSigilId(value, '@');
}

/** The grammar of user ids without their limit of 255 bytes, which some room versions do not hold events to. */
export function hasUserIdGrammar(value: unknown): value is UserId {
  return hasSigilGrammar(value, '@');
}

/** True when a new account may have this localpart. @see https://spec.matrix.org/v1.19/appendices/#user-identifiers */
export function isNewUserLocalpart(localpart: string): boolean {
  return STRICT_LOCALPART.test(localpart);
}

/** Both forms: `!opaque:server` and, of room version 12, `!hash`. @see https://spec.matrix.org/v1.19/appendices/#room-ids */
export function isRoomId(value: unknown): value is RoomId {
  return (
    isSigilId(value, '!') ||
    (typeof value === 'string' && value.startsWith('!') && OPAQUE_HASH.test(value.slice(1)))
  );
}

/** The grammar of room ids with a server name, without their limit of 255 bytes. */
export function hasOldRoomIdGrammar(value: unknown): value is RoomId {
  return hasSigilGrammar(value, '!');
}

/** @see https://spec.matrix.org/v1.19/appendices/#room-aliases */
export function isRoomAlias(value: unknown): value is RoomAlias {
  return isSigilId(value, '#') && value.indexOf(':') > 1;
}

/** Any event id of any room version. @see https://spec.matrix.org/v1.19/appendices/#event-ids */
export function isEventId(value: unknown): value is EventId {
  return hasEventIdGrammar(value) && withinLimit(value);
}

/** The grammar of event ids of any room version, without their limit of 255 bytes. */
export function hasEventIdGrammar(value: unknown): value is EventId {
  return typeof value === 'string' && value.length > 1 && value.startsWith('$') && isStorable(value);
}

/** The grammar of event ids of room versions 1 and 2, `$opaque:server`, without their limit of 255 bytes. */
export function hasOldEventIdGrammar(value: unknown): value is EventId {
  return hasSigilGrammar(value, '$');
}

/** A device id that a client may choose: 1 to 255 bytes. */
export function isDeviceId(value: unknown): value is DeviceId {
  return typeof value === 'string' && value.length > 0 && withinLimit(value) && isStorable(value);
}

/** The server name of a user id, alias or old room id: what stands after the first colon. */
export function serverNameOf(id: UserId | RoomAlias): ServerName {
  return id.slice(id.indexOf(':') + 1) as ServerName;
}

/** The part between the sigil and the first colon. */
export function localpartOf(id: UserId | RoomAlias): string {
  return id.slice(1, id.indexOf(':'));
}

/** The user id of a localpart on a server. */
export function userIdOf(localpart: string, serverName: ServerName): UserId {
  return `@${localpart}:${serverName}` as UserId;
}
