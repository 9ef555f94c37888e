import { MatrixError } from '@atoll/matrix';

const SERVER_MANAGED_TYPES = ['m.fully_read', 'm.push_rules'];

/**
 * For what clients ask to be set or deleted.
 * @throws MatrixError 405 M_BAD_JSON for types that the server manages
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-12
 */
export function requireClientManaged(type: string): void {
  if (SERVER_MANAGED_TYPES.includes(type)) {
    throw new MatrixError(405, 'M_BAD_JSON', `${type} cannot be changed through this endpoint`);
  }
}
