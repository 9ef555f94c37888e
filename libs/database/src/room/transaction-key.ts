import { hash } from 'node:crypto';
import type { UserId } from '@atoll/matrix';

const KEY_BYTES = 16;

/** A client's transaction: the same four name the same wish. @see https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers */
export interface ClientTransaction {
  readonly userId: UserId;
  readonly deviceId: string;
  /** The path without the transaction id. */
  readonly scope: string;
  readonly id: string;
}

/** What `event_transactions` is found by: 16 bytes instead of a path that repeats room and type in every row. */
export function transactionKey({ userId, deviceId, scope, id }: ClientTransaction): Buffer {
  return hash('sha256', JSON.stringify([userId, deviceId, scope, id]), 'buffer').subarray(0, KEY_BYTES);
}
