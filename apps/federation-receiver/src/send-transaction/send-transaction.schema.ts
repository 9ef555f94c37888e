import { z } from 'zod';

const MAX_PDUS = 50;
const MAX_EDUS = 100;
const MAX_TRANSACTION_ID = 255;

export const sendTransactionParamsSchema = z.object({
  txnId: z
    .string()
    .min(1)
    .max(MAX_TRANSACTION_ID)
    .refine((id) => id.isWellFormed() && !id.includes('\0'), 'must be storable text'),
});

/**
 * What PDUs and EDUs are is looked at one by one, so that a bad one does not spoil the others. `origin_server_ts` is not read.
 * @see https://spec.matrix.org/v1.19/server-server-api/#transactions
 */
export const transactionSchema = z.object({
  origin: z.string(),
  pdus: z.array(z.unknown()).max(MAX_PDUS),
  edus: z.array(z.unknown()).max(MAX_EDUS).default([]),
});

export type ReceivedTransaction = z.output<typeof transactionSchema>;
