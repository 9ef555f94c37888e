import type { LoadUser } from './load-user.js';

const WAIT_MS = 60_000;
const PATIENCE_MS = 20_000;

/** Is told of each message that a client sees, and when its answer had arrived. */
export type Listener = (text: string, at: number) => void;

/** A client that always has a sync waiting, and notes when it sees a message. */
export class Reader {
  private readonly awaited = new Map<string, (at: number) => void>();
  private stopped = false;
  /** Answers so far, empty ones too. */
  answers = 0;

  private constructor(
    private readonly user: LoadUser,
    private readonly listener?: Listener,
  ) {}

  /** Starts to wait from now on, or from `since`. Ends by itself when the connections close. */
  static async start(user: LoadUser, since?: string, listener?: Listener): Promise<Reader> {
    const reader = new Reader(user, listener);
    const from = since ?? (await user.sync(undefined, 0)).next_batch;
    void reader.follow(from);
    return reader;
  }

  /** When the answer with this text had arrived, by `performance.now()`. @throws Error when it never comes */
  sees(text: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.awaited.delete(text);
        reject(new Error('a message was not seen'));
      }, PATIENCE_MS);
      this.awaited.set(text, (at) => {
        clearTimeout(timer);
        resolve(at);
      });
    });
  }

  stop(): void {
    this.stopped = true;
  }

  private async follow(from: string): Promise<void> {
    let since = from;
    while (!this.stopped) {
      const answer = await this.user.sync(since, WAIT_MS).catch(() => undefined);
      if (!answer) return;
      const at = performance.now();
      this.answers += 1;
      since = answer.next_batch;
      for (const { timeline } of Object.values(answer.rooms?.join ?? {})) {
        for (const { content } of timeline.events) this.tell(content['body'], at);
      }
    }
  }

  private tell(text: unknown, at: number): void {
    if (typeof text !== 'string') return;
    this.listener?.(text, at);
    this.awaited.get(text)?.(at);
    this.awaited.delete(text);
  }
}
