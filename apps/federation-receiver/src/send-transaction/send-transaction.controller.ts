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

/**
 * 200 times the size of a PDU. The specification bounds neither EDUs nor transactions, and a server that is refused sends the same again for
 * ever; so this is not less than what every Synapse takes. Not more either: anybody may send a body before its signature is checked, it takes
 * about five times its size of memory, and reading one of this size already blocks the process for a tenth of a second.
 */
const BODY_LIMIT = 200 * 65_536;

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
