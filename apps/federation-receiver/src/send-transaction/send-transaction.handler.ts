import { PdusStaged } from '@atoll/contract';
import type { ReceivedTransactionReader, ReceivedTransactionTransactor } from '@atoll/database';
import type { EventId, JsonObject, ServerName } from '@atoll/matrix';
import type { Announcer } from '@atoll/redis-streams';
import type { JudgedPdu, PduJudge } from './judge-pdus.js';
import type { ReceivedTransaction } from './send-transaction.schema.js';
import type { EduIntake } from './take-edus.js';
import { pdusReceived, transactionsReceived } from './transaction-metrics.js';
import type { TransactionTurns } from './transaction-turns.js';

/** The answer to a transaction: what became of each PDU that has an id. */
export interface TransactionAnswer {
  readonly pdus: Record<EventId, { readonly error?: string }>;
}

/** Takes transactions of other servers in. */
export class SendTransactionHandler {
  constructor(
    private readonly answers: ReceivedTransactionReader,
    private readonly transactor: ReceivedTransactionTransactor,
    private readonly turns: TransactionTurns,
    private readonly judge: PduJudge,
    private readonly edus: EduIntake,
    private readonly announcer: Announcer,
  ) {}

  /**
   * 1. A transaction that was answered is answered so again.
   * 2. One transaction of a server at a time, over all instances; the same one may have been taken in meanwhile.
   * 3. PDUs: which of them may go on to the owner of their room (`judge-pdus.ts`).
   * 4. EDUs: taken in at once (`take-edus.ts`).
   * 5. PDUs and answer are written in one commit, then announced.
   * @throws MatrixError 503 when other transactions of the server take too long
   */
  async handle(
    origin: ServerName,
    transactionId: string,
    transaction: ReceivedTransaction,
  ): Promise<TransactionAnswer> {
    const earlier = await this.earlierAnswer(origin, transactionId);
    if (earlier !== undefined) return earlier;
    return this.turns.run(origin, async (claim) => {
      const meanwhile = await this.earlierAnswer(origin, transactionId);
      if (meanwhile !== undefined) return meanwhile;
      const judged = await this.judge.judge(origin, transaction.pdus);
      await this.edus.take(origin, transaction.edus);
      const answer = answerOf(judged);
      const pdus = judged.flatMap((pdu) => ('staged' in pdu ? [pdu.staged] : []));
      const response = JSON.stringify(answer);
      const staged = await this.transactor.record(origin, claim, { id: transactionId, response, pdus });
      for (const roomId of staged) this.announcer.publish(PdusStaged, { roomId });
      for (const { outcome } of judged) pdusReceived.add(1, { outcome });
      transactionsReceived.add(1, { outcome: 'taken_in' });
      return answer;
    });
  }

  private async earlierAnswer(
    origin: ServerName,
    transactionId: string,
  ): Promise<TransactionAnswer | undefined> {
    const text = await this.answers.answerTo(origin, transactionId);
    if (text === undefined) return undefined;
    transactionsReceived.add(1, { outcome: 'repeated' });
    return JSON.parse(text) as TransactionAnswer;
  }
}

function answerOf(judged: readonly JudgedPdu[]): TransactionAnswer {
  const results: [EventId, JsonObject][] = judged.flatMap(({ eventId, error }) =>
    eventId === undefined ? [] : [[eventId, error === undefined ? {} : { error }]],
  );
  return { pdus: Object.fromEntries(results) };
}
