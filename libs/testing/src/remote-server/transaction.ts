import type { Pdu } from '@atoll/matrix';

export interface Transaction {
  /** As objects or as texts. */
  readonly pdus?: readonly (Pdu | string)[];
  readonly edus?: readonly { readonly edu_type: string; readonly content: Record<string, unknown> }[];
}

/**
 * The JSON of a transaction.
 * @see https://spec.matrix.org/v1.19/server-server-api/#transactions
 */
export function transactionText(origin: string, { pdus = [], edus = [] }: Transaction): string {
  const texts = pdus.map((pdu) => (typeof pdu === 'string' ? pdu : JSON.stringify(pdu)));
  const frame = JSON.stringify({ origin, origin_server_ts: Date.now(), edus });
  return `${frame.slice(0, -1)},"pdus":[${texts.join(',')}]}`;
}
