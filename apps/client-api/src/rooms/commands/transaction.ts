import type { CommandInput, SendEvent } from '@atoll/contract';
import { invalidParam, type UserId } from '@atoll/matrix';

/** Who sends: an application service may act without a device. */
export interface Sender {
  readonly userId: UserId;
  readonly deviceId?: string;
}

/** What makes a request the same as an earlier one. */
export type Transaction = NonNullable<CommandInput<typeof SendEvent>['transaction']>;

const MAX_ID_BYTES = 255;

/**
 * A client's transaction: one device, one path without the transaction id.
 * @throws MatrixError for an id that is too long to remember
 * @see https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers
 */
export function transactionOf({ deviceId = '' }: Sender, path: readonly string[], id: string): Transaction {
  if (Buffer.byteLength(id) > MAX_ID_BYTES)
    throw invalidParam(`Transaction ids are at most ${MAX_ID_BYTES} bytes`);
  return { deviceId, scope: path.map(encodeURIComponent).join('/'), id };
}
