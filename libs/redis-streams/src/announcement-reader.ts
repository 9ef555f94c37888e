import type { Announcement, AnnouncementPayload } from '@atoll/contract';
import { Logger } from '@nestjs/common';
import { AnnouncementCursor } from './announcement-cursor.js';
import { connectForBlocking, type RedisConnection } from './connect-redis.js';
import { messagesOf } from './envelope.js';
import { announcementKey } from './keys.js';
import { RunLoop } from './run-loop.js';
import { STREAM_START, type StreamEntry } from './stream-id.js';
import { announcementGaps } from './stream-metrics.js';

const READ_COUNT = 128;
const BLOCK_MS = 2_000;
const logger = new Logger('AnnouncementReader');

/** `traceparent`: the span that announced, to link to. */
type Handler<Payload> = (payload: Payload, traceparent: string | undefined) => void | Promise<void>;

interface Subscription {
  readonly announcement: Announcement;
  readonly handle: Handler<unknown>;
  readonly cursor: AnnouncementCursor;
}

/**
 * Reads announcements as they come. It calls `onGap` whenever it cannot prove that it saw everything: at its start, after
 * an interruption, a flush or a trim, and for an announcement in a version that it does not know. Then the owner of the
 * reader reads PostgreSQL from its last position. Handlers run one after the other; while they are busy nothing is read.
 */
export class AnnouncementReader {
  private subscriptions: Subscription[] = [];
  private readonly blocking: RedisConnection;
  private readonly loop: RunLoop;
  private interrupted = true;

  constructor(
    redis: RedisConnection,
    name: string,
    private readonly onGap: () => void | Promise<void>,
  ) {
    this.blocking = connectForBlocking(redis, `${name}:announcements`);
    this.loop = new RunLoop(
      `announcements for ${name}`,
      this.blocking,
      () => this.read(),
      () => {
        this.interrupted = true;
      },
    );
  }

  /** Subscribe before `start`. */
  on<A extends Announcement>(announcement: A, handle: Handler<AnnouncementPayload<A>>): this {
    const cursor = new AnnouncementCursor(announcementKey(announcement.name));
    this.subscriptions.push({ announcement, handle: handle as Handler<unknown>, cursor });
    return this;
  }

  start(): void {
    this.loop.start();
  }

  /** Resolves when the handler in hand is done. */
  stop(): Promise<void> {
    return this.loop.stop();
  }

  private async read(): Promise<void> {
    if (this.interrupted) await this.resume();
    // Redis serves the first stream that has something; the order turns so that none starves.
    this.subscriptions = [...this.subscriptions.slice(1), ...this.subscriptions.slice(0, 1)];
    const keys = this.subscriptions.map(({ cursor }) => cursor.key);
    const ids = this.subscriptions.map(({ cursor }) => cursor.lastId ?? STREAM_START);
    const answer = await this.blocking.xread(
      'COUNT',
      READ_COUNT,
      'BLOCK',
      BLOCK_MS,
      'STREAMS',
      ...keys,
      ...ids,
    );
    const complete = answer ? await this.deliver(answer) : await this.isCurrent();
    if (!complete) await this.reportGap();
  }

  /** Starts at the end of every stream that was not read yet; PostgreSQL tells what came before. */
  private async resume(): Promise<void> {
    for (const { cursor } of this.subscriptions) await cursor.begin(this.blocking);
    await this.reportGap();
    this.interrupted = false;
  }

  /** False when something may be missing before or among what was delivered. */
  private async deliver(answer: readonly [key: string, entries: StreamEntry[]][]): Promise<boolean> {
    let complete = true;
    for (const [key, entries] of answer) {
      const subscription = this.subscriptions.find(({ cursor }) => cursor.key === key);
      if (!subscription) continue;
      const { cursor } = subscription;
      const from = cursor.lastId ?? STREAM_START;
      for (const [id, fields] of entries) {
        cursor.lastId = id;
        for (const text of messagesOf(fields)) complete = (await handOver(subscription, text)) && complete;
      }
      complete = (await cursor.continues(this.blocking, from)) && complete;
    }
    return complete;
  }

  private async isCurrent(): Promise<boolean> {
    const current = await Promise.all(
      this.subscriptions.map(({ cursor }) => cursor.isCurrent(this.blocking)),
    );
    return current.every(Boolean);
  }

  private async reportGap(): Promise<void> {
    announcementGaps.add(1);
    await this.onGap();
  }
}

/** False when the announcement could not be understood or handled. */
async function handOver({ announcement, handle }: Subscription, text: string): Promise<boolean> {
  const message = JSON.parse(text) as { version?: unknown; traceparent?: string; payload?: unknown };
  const payload = announcement.payload.safeParse(message.payload);
  if (message.version !== announcement.version || !payload.success) return false;
  try {
    await handle(payload.data, message.traceparent);
    return true;
  } catch (error) {
    logger.error(error);
    return false;
  }
}
