import { lenientCanonicalJson } from '@atoll/event-crypto';
import type { JsonObject, ServerName } from '@atoll/matrix';
import { hash } from 'node:crypto';

/** @see https://spec.matrix.org/v1.19/server-server-api/#transactions */
export const MAX_PDUS = 50;

export interface Transaction {
  /** A hash of what is sent: tried again it is the same, and with anything else in it another. */
  readonly id: string;
  readonly body: JsonObject;
}

/**
 * The transaction that sends these events and ephemeral messages.
 * @param now ms since 1970
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid
 */
export function transactionOf(
  origin: ServerName,
  pdus: JsonObject[],
  edus: JsonObject[],
  now: number,
): Transaction {
  const content = { pdus, edus };
  return {
    id: hash('sha256', lenientCanonicalJson(content), 'base64url'),
    body: { origin, origin_server_ts: now, ...content },
  };
}
