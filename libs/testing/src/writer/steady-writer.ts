import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../client/answer.js';
import { path } from '../client/encode-path.js';
import { newTransactionId, type TestUser } from '../client/test-user.js';

export interface Acknowledged {
  eventId: string;
  /** Unique among all texts of this process. */
  text: string;
  roomId: string;
}

/** A pause between two acknowledgements of one room. */
export interface Gap {
  roomId: string;
  ms: number;
}

/**
 * Sends messages into rooms without end, one at a time in each room, and repeats what failed under the same
 * transaction id, as clients do.
 */
export class SteadyWriter {
  readonly acknowledged: Acknowledged[] = [];
  /** Answers other than 200 and connections that broke, in words. */
  readonly failures: string[] = [];
  /** The longest time between two acknowledgements in one room. */
  worstGap: Gap = { roomId: '', ms: 0 };
  private readonly lastOf = new Map<string, number>();
  private stopping = false;
  private readonly writing: Promise<unknown>;

  /** @param pauseMs between an acknowledgement and the next message of that room */
  constructor(
    private readonly user: TestUser,
    roomIds: readonly string[],
    private readonly pauseMs = 20,
  ) {
    this.writing = Promise.all(roomIds.map((roomId) => this.write(roomId)));
    // stop() tells of it.
    this.writing.catch(() => undefined);
  }

  /** Resolves when each room has `count` more acknowledged messages. @throws Error when that takes too long */
  async writes(count: number, withinMs = 30_000): Promise<void> {
    const goals = [...this.lastOf.keys()].map((roomId) => [roomId, this.countOf(roomId) + count] as const);
    const deadline = Date.now() + withinMs;
    while (!goals.every(([roomId, goal]) => this.countOf(roomId) >= goal)) {
      if (Date.now() > deadline)
        throw new Error(
          `writes did not go on within ${withinMs} ms; failures: ${this.failures.slice(-5).join('; ')}`,
        );
      await sleep(10);
    }
  }

  /** Forgets the pauses so far. */
  resetGap(): void {
    this.worstGap = { roomId: '', ms: 0 };
  }

  /** Stops after the messages in flight are acknowledged. */
  async stop(): Promise<Acknowledged[]> {
    this.stopping = true;
    await this.writing;
    return this.acknowledged;
  }

  private countOf(roomId: string): number {
    return this.acknowledged.filter((one) => one.roomId === roomId).length;
  }

  private async write(roomId: string): Promise<void> {
    this.lastOf.set(roomId, performance.now());
    while (!this.stopping) {
      const transactionId = newTransactionId();
      const text = `message ${transactionId}`;
      const eventId = await this.sendUntilAcknowledged(roomId, text, transactionId);
      this.acknowledged.push({ eventId, text, roomId });
      const now = performance.now();
      const ms = now - (this.lastOf.get(roomId) ?? now);
      if (ms > this.worstGap.ms) this.worstGap = { roomId, ms };
      this.lastOf.set(roomId, now);
      await sleep(this.pauseMs);
    }
  }

  private async sendUntilAcknowledged(roomId: string, text: string, transactionId: string): Promise<string> {
    const target = path`/v3/rooms/${roomId}/send/m.room.message/${transactionId}`;
    const deadline = Date.now() + 60_000;
    for (;;) {
      const outcome = await this.user
        .request('PUT', target, { msgtype: 'm.text', body: text })
        .catch((error: unknown) => error as Error);
      if (!(outcome instanceof Error) && outcome.status === 200) return outcome.body.event_id ?? '';
      this.failures.push(inWords(outcome));
      if (Date.now() > deadline) throw new Error(`never acknowledged: ${inWords(outcome)}`);
      await sleep(100);
    }
  }
}

function inWords(outcome: Answer | Error): string {
  if (!(outcome instanceof Error)) return `${outcome.status} ${outcome.text.slice(0, 200)}`;
  const { cause } = outcome;
  return cause instanceof Error ? `${outcome.message}: ${cause.message}` : outcome.message;
}
