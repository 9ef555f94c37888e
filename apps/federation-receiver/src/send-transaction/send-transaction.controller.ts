import { FederationSignature, Requester, RouteSettings } from '@atoll/http';
import { forbidden } from '@atoll/matrix';
import { Body, Controller, Param, Put } from '@nestjs/common';
import type { z } from 'zod';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { SendTransactionHandler } from './send-transaction.handler.js';
import {
  type ReceivedTransaction,
  sendTransactionParamsSchema,
  transactionSchema,
} from './send-transaction.schema.js';

/** 50 PDUs and 100 EDUs of 64 KiB each, and what stands around them. */
const BODY_LIMIT = 10 * 1024 * 1024;

@FederationSignature()
@Controller('_matrix/federation/v1/send/:txnId')
export class SendTransactionController {
  constructor(private readonly handler: SendTransactionHandler) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid */
  @Put()
  @RouteSettings({ bodyLimit: BODY_LIMIT, exactJson: true })
  async sendTransaction(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: sendTransactionParamsSchema }) { txnId }: z.output<typeof sendTransactionParamsSchema>,
    @Body({ schema: transactionSchema }) transaction: ReceivedTransaction,
  ) {
    if (transaction.origin !== origin) throw forbidden('The transaction is of another server');
    return this.handler.handle(origin, txnId, transaction);
  }
}
