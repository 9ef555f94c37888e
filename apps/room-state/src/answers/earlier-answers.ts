import type { EventId } from '@atoll/matrix';
import { type ClientTransaction, type RoomActorReader, transactionKey } from '@atoll/database';
import { LRUCache } from 'lru-cache';
import { untilDurable } from '../room-actor/until-durable.js';
import { BatchedLookup } from './batched-lookup.js';

const REMEMBERED = 50_000;
/** Longer than a lookup that missed a commit by a moment can still be on its way. */
const REMEMBER_MS = 120_000;

/** A way to find the answer that a command got before. */
export interface EarlierAnswer {
  /** Unique over transactions and idempotency keys. */
  readonly name: string;
  stored(): Promise<unknown>;
}

/**
 * Answers given before, so that repeating is harmless: in the database with the effect (client transactions, idempotency
 * keys), and in memory from the moment a command starts, which closes the gap until its commit is visible.
 */
export class EarlierAnswers {
  private readonly recent = new LRUCache<string, Promise<unknown>>({ max: REMEMBERED, ttl: REMEMBER_MS });
  private readonly transactions: BatchedLookup<Buffer, { key: Buffer; eventId: EventId }>;
  private readonly results: BatchedLookup<string, { key: string; result: unknown }>;

  constructor(reader: RoomActorReader) {
    this.transactions = new BatchedLookup(
      (keys) => reader.transactions(keys),
      (key) => key.toString('hex'),
      ({ key }) => key.toString('hex'),
    );
    this.results = new BatchedLookup(
      (keys) => reader.commandResults(keys),
      (key) => key,
      ({ key }) => key,
    );
  }

  /** The answer to a client's transaction: the id of the event that it made. */
  transaction(transaction: ClientTransaction): EarlierAnswer {
    const key = transactionKey(transaction);
    const stored = async () => {
      const found = await this.transactions.get(key);
      return found && { eventId: found.eventId };
    };
    return { name: `transaction ${key.toString('hex')}`, stored };
  }

  command(idempotencyKey: string): EarlierAnswer {
    return { name: idempotencyKey, stored: async () => (await this.results.get(idempotencyKey))?.result };
  }

  /** Whichever there is: the same wish, remembered in two ways. */
  either(one: EarlierAnswer, other: EarlierAnswer): EarlierAnswer {
    return { name: one.name, stored: async () => (await one.stored()) ?? (await other.stored()) };
  }

  /**
   * The earlier answer, or that of `run`, which then becomes the earlier answer for all who ask from now on. A failed
   * run is forgotten. Between the last look at the memory and the start of `run` nothing else can happen.
   */
  async once<Answer>(earlier: EarlierAnswer, deadline: number, run: () => Promise<Answer>): Promise<Answer> {
    const stored =
      this.recent.get(earlier.name) ??
      (await untilDurable(deadline, () => earlier.stored())) ??
      this.recent.get(earlier.name);
    if (stored !== undefined) return stored as Promise<Answer>;
    const answer = run();
    this.recent.set(earlier.name, answer);
    answer.catch(() => {
      if (this.recent.peek(earlier.name) === answer) this.recent.delete(earlier.name);
    });
    return answer;
  }
}
