import {
  type JsonObject,
  MatrixError,
  type ServerName,
  type UserId,
  isJsonObject,
  isUserId,
  localpartOf,
  missingParam,
  serverNameOf,
  userIdOf,
} from '@atoll/matrix';

/**
 * The local user that a login or an auth dictionary names: `identifier` of type `m.id.user`, or the older `user`.
 * Capitals are folded: no localpart of ours has any.
 * @returns undefined when it names nobody who could have an account here
 * @throws MatrixError 400 when no user is named or the identifier's type is unknown
 * @see https://spec.matrix.org/v1.19/client-server-api/#identifier-types
 */
export function identifiedUser(credentials: JsonObject, serverName: ServerName): UserId | undefined {
  const { identifier, user } = credentials;
  if (identifier === undefined && user === undefined) throw missingParam('No user is named');
  const named = isJsonObject(identifier) ? identifier : { type: 'm.id.user', user };
  const { type } = named;
  // Nobody has third-party identifiers here yet, so none is known.
  if (type === 'm.id.thirdparty' || type === 'm.id.phone') return undefined;
  if (type !== 'm.id.user') throw new MatrixError(400, 'M_UNKNOWN', 'Unknown type of identifier');
  if (typeof named['user'] !== 'string') throw missingParam('No user is named');
  return localUserId(named['user'], serverName);
}

function localUserId(named: string, serverName: ServerName): UserId | undefined {
  if (!named.startsWith('@')) {
    const userId = userIdOf(named.toLowerCase(), serverName);
    return isUserId(userId) ? userId : undefined;
  }
  if (!isUserId(named) || serverNameOf(named).toLowerCase() !== serverName.toLowerCase()) return undefined;
  return userIdOf(localpartOf(named).toLowerCase(), serverName);
}
