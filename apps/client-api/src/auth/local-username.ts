import { randomInt } from 'node:crypto';
import {
  MatrixError,
  type ServerName,
  type UserId,
  isNewUserLocalpart,
  isUserId,
  userIdOf,
} from '@atoll/matrix';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * The user id that a wanted username gets: capitals are folded, anything else outside the grammar is refused.
 * @throws MatrixError 400 M_INVALID_USERNAME
 * @see https://spec.matrix.org/v1.19/appendices/#user-identifiers
 */
export function newUserId(username: string, serverName: ServerName): UserId {
  const localpart = username.replace(/[A-Z]/g, (capital) => capital.toLowerCase());
  const userId = userIdOf(localpart, serverName);
  if (isNewUserLocalpart(localpart) && isUserId(userId)) return userId;
  throw new MatrixError(400, 'M_INVALID_USERNAME', 'A username consists of a-z, 0-9 and . _ = - / + only');
}

/** A user id for those who want none in particular: 60 random bits. */
export function randomUserId(serverName: ServerName): UserId {
  const letters = Array.from({ length: 12 }, () => LETTERS[randomInt(LETTERS.length)]);
  return userIdOf(letters.join(''), serverName);
}

export const userInUse = () => new MatrixError(400, 'M_USER_IN_USE', 'This user ID is already taken');
