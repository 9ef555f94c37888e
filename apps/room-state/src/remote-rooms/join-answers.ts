import { extname } from 'node:path';
import { Piscina } from 'piscina';

/** What of an answer to `send_join` is looked at. The texts hash as the events that came, numbers and all. */
export interface SplitAnswer {
  /** The join as the resident server has signed it. */
  readonly event?: string;
  readonly state: readonly string[];
  readonly authChain: readonly string[];
}

/**
 * An answer is in memory whole, and its events a second time: the state of a room of some 100,000 members, and small enough for a
 * process that is joining several rooms.
 */
export const MAX_JOIN_ANSWER_BYTES = 128 * 1024 * 1024;

const TIMEOUT_MS = 60_000;

/**
 * Takes answers to `send_join` apart, one at a time and outside of the event loop. A limit to the worker's heap would be no bound:
 * `JSON.parse` does not stop for it, and takes the process down. The worker counts values before it parses.
 */
export class JoinAnswers {
  private readonly workers = new Piscina<Uint8Array, SplitAnswer | undefined>({
    filename: new URL(`./split-answer.worker${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
  });

  /**
   * @param bytes given away, where they have memory of their own
   * @returns undefined when they are no such answer, or too much for memory or time
   */
  async split(bytes: Buffer): Promise<SplitAnswer | undefined> {
    const isWhole = bytes.byteLength === bytes.buffer.byteLength;
    try {
      const task = isWhole ? (Piscina.move(bytes) as Buffer) : bytes;
      return await this.workers.run(task, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') return undefined;
      throw error;
    }
  }
}
