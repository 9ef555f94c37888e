import type { ServerName } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Transactions of other servers that were answered. */
export class ReceivedTransactionReader {
  constructor(private readonly database: Database) {}

  /** The text of the answer, if there was one. */
  async answerTo(origin: ServerName, transactionId: string): Promise<string | undefined> {
    const row = await this.database.db
      .selectFrom('received_transactions')
      .select('response')
      .where('origin', '=', origin)
      .where('transaction_id', '=', transactionId)
      .executeTakeFirst();
    return row?.response;
  }
}
