import { decodeReplies, type ReplyEnvelope } from './envelope.js';
import { connectForBlocking, type RedisConnection } from './connect-redis.js';
import { repliesKey } from './keys.js';
import { OwnStream } from './own-stream.js';
import { RunLoop } from './run-loop.js';
import { idAfter } from './stream-id.js';

const READ_COUNT = 128;
const TRIM_AFTER = 256;

/** The one stream on which this process receives the answers to all its requests, whichever service gives them. */
export class ReplyStream {
  readonly key: string;
  private readonly stream: OwnStream;
  private readonly loop: RunLoop;
  private readonly blocking: RedisConnection;
  private readonly waiting = new Map<string, (reply: ReplyEnvelope) => void>();
  private untrimmed = 0;

  constructor(
    private readonly redis: RedisConnection,
    instance: string,
  ) {
    this.key = repliesKey(instance);
    this.stream = new OwnStream(redis, this.key, () => {
      this.trim();
    });
    this.blocking = connectForBlocking(redis, `${instance}:replies`);
    this.loop = new RunLoop(`replies of ${instance}`, this.blocking, () => this.read());
  }

  start(): void {
    this.stream.start();
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
    await this.stream.stop();
  }

  /** Calls back for each answer to this request until `forget`. */
  expect(requestId: string, onReply: (reply: ReplyEnvelope) => void): void {
    this.waiting.set(requestId, onReply);
  }

  forget(requestId: string): void {
    this.waiting.delete(requestId);
  }

  private async read(): Promise<void> {
    const { key, lastId } = this.stream;
    const answer = await this.blocking.xread('COUNT', READ_COUNT, 'BLOCK', 2_000, 'STREAMS', key, lastId);
    for (const [id, fields] of answer?.[0]?.[1] ?? []) {
      this.stream.lastId = id;
      this.untrimmed += 1;
      for (const reply of decodeReplies(fields)) this.waiting.get(reply.id)?.(reply);
    }
    if (this.untrimmed >= TRIM_AFTER) this.trim();
  }

  /** Replies are of use to this process alone, so what it has read can go. */
  private trim(): void {
    if (this.untrimmed === 0) return;
    this.untrimmed = 0;
    this.redis.xtrim(this.key, 'MINID', idAfter(this.stream.lastId)).catch(() => undefined);
  }
}
