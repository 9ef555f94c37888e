import { MatrixError } from '@atoll/matrix';
import { z } from 'zod';

const MIN_LENGTH = 8;
/** Argon2 takes any length; a bound keeps its time bounded. */
const MAX_LENGTH = 1024;

export const passwordSchema = z.string().max(MAX_LENGTH);

/**
 * Refuses passwords that are too short for any account.
 * @throws MatrixError 400 M_WEAK_PASSWORD
 * @see https://spec.matrix.org/v1.19/client-server-api/#password-management
 */
export function requireStrongPassword(password: string): void {
  if (password.length >= MIN_LENGTH) return;
  throw new MatrixError(400, 'M_WEAK_PASSWORD', `The password must have at least ${MIN_LENGTH} characters`);
}
