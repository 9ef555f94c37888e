import { ReceiptsChanged } from '@atoll/contract';
import { commitInLanes, type Database, type NewReceipt, ReceiptTransactor } from '@atoll/database';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';

const MAX_BATCH = 500;

interface Batch {
  readonly receipts: Map<string, NewReceipt>;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Writes receipts: an event in a large room brings hundreds of them at once. While one commit is under way the following ones
 * gather, and share the next.
 */
@Injectable()
export class ReceiptWriter {
  private batches: Batch[] = [];
  private isWriting = false;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
  ) {}

  /** Resolves when they are durable. Those that would go backwards change nothing. */
  async write(receipts: readonly NewReceipt[]): Promise<void> {
    const written = receipts.map((receipt) => this.add(receipt));
    if (!this.isWriting) void this.writeOn();
    await Promise.all(written);
  }

  private add(receipt: NewReceipt): Promise<void> {
    const { roomNid, userId, type, threadId } = receipt;
    const key = JSON.stringify([roomNid, userId, type, threadId]);
    let batch = this.batches.at(-1);
    if (batch === undefined || batch.receipts.size >= MAX_BATCH || batch.receipts.has(key)) {
      batch = { receipts: new Map(), done: Promise.withResolvers() };
      this.batches.push(batch);
    }
    batch.receipts.set(key, receipt);
    return batch.done.promise;
  }

  private async writeOn(): Promise<void> {
    this.isWriting = true;
    for (let batch = this.batches.shift(); batch !== undefined; batch = this.batches.shift()) {
      const { receipts, done } = batch;
      await this.commit([...receipts.values()]).then(done.resolve, done.reject);
    }
    this.isWriting = false;
  }

  private async commit(receipts: readonly NewReceipt[]): Promise<void> {
    const taken = await commitInLanes(this.database.db, (trx, closing) =>
      new ReceiptTransactor(trx, closing).put(receipts),
    );
    if (taken) this.announcer.publish(ReceiptsChanged, { position: taken.at(0) });
  }
}
