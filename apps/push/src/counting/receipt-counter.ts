import type { CountedStreamReader, PartitionedReceipt, UnreadAnswer, UnreadCounter } from '@atoll/database';
import { type ServerName, serverNameOf } from '@atoll/matrix';

/** Users and rooms whose counts are made anew together: bounds what lies in memory. */
const AT_ONCE = 50;

/** Takes what was read out of the counts. */
export class ReceiptCounter {
  constructor(
    private readonly stream: Pick<CountedStreamReader, 'withCounts'>,
    private readonly counter: UnreadCounter,
    private readonly serverName: ServerName,
  ) {}

  /** The counts that are others now, as of a position up to which all events are counted. */
  async count(receipts: readonly PartitionedReceipt[], upTo: number): Promise<UnreadAnswer[]> {
    const local = receipts.filter(({ userId }) => serverNameOf(userId) === this.serverName);
    const places = await this.stream.withCounts(local);
    const replaced: UnreadAnswer[] = [];
    for (let i = 0; i < places.length; i += AT_ONCE) {
      const questions = places.slice(i, i + AT_ONCE).map((place) => ({ ...place, upTo }));
      replaced.push(...(await this.counter.answer(questions)).filter(isOther));
    }
    return replaced;
  }
}

/** A thread is counted again from another position, or not at all. */
function isOther({ counts, unread }: UnreadAnswer): boolean {
  return Array.from(counts).some(([thread, { since }]) => unread.get(thread)?.since !== since);
}
