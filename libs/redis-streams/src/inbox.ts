import { connectForBlocking, type RedisConnection } from './connect-redis.js';
import { decodeRequests, type RequestEnvelope } from './envelope.js';
import { inboxKey } from './keys.js';
import { OwnStream } from './own-stream.js';
import { RunLoop } from './run-loop.js';
import { entryTime, type StreamEntry } from './stream-id.js';

const READ_COUNT = 64;

/** Settles when the request is answered. */
type Accept = (request: RequestEnvelope, waited: number) => Promise<void>;

/**
 * The stream of commands for one instance, its only reader. An entry stays in Redis until its requests are answered;
 * nothing is read while `maxInFlight` requests are being handled.
 */
export class Inbox {
  private readonly stream: OwnStream;
  private readonly blocking: RedisConnection;
  private readonly loop: RunLoop;
  /** Unanswered requests by entry, oldest first. */
  private readonly entries = new Map<string, number>();
  private inFlight = 0;
  /** Read, but beyond the bound of what is handled at once; no more than one read brings. */
  private readonly unstarted: [entry: string, request: RequestEnvelope][] = [];
  private nextFinish: PromiseWithResolvers<undefined> | undefined;
  private answered: string[] = [];

  constructor(
    private readonly redis: RedisConnection,
    service: string,
    instance: string,
    private readonly maxInFlight: number,
    private readonly accept: Accept,
  ) {
    this.stream = new OwnStream(redis, inboxKey(service, instance), () => {
      this.removeAnswered();
    });
    this.blocking = connectForBlocking(redis, `${instance}:inbox`);
    this.loop = new RunLoop(`inbox of ${instance}`, this.blocking, () => this.read());
  }

  start(): void {
    this.stream.start();
    this.loop.start();
  }

  get depth(): number {
    return this.stream.depth;
  }

  /** Age of the oldest unanswered request. */
  oldestMs(): number {
    const [oldest] = this.entries.keys();
    return oldest === undefined ? 0 : Math.max(0, this.now() - entryTime(oldest));
  }

  /** Now, in ms, by the clock of Redis. */
  now(): number {
    return this.stream.now();
  }

  isAlive(): boolean {
    return this.stream.isAlive();
  }

  /** Resolves when no request is being handled. */
  async drained(): Promise<void> {
    while (this.inFlight > 0 || this.unstarted.length > 0) await this.finished();
  }

  /** Stops reading, hands over what still lies unread, and removes the stream. */
  async stop(): Promise<void> {
    await this.loop.stop();
    try {
      for (;;) {
        const answer = await this.redis.xread(
          'COUNT',
          READ_COUNT,
          'STREAMS',
          this.stream.key,
          this.stream.lastId,
        );
        if (!answer) break;
        this.take(answer[0]?.[1] ?? []);
      }
    } catch {
      // Without Redis nobody can be answered.
    }
    await this.drained();
    await this.stream.stop();
  }

  private async read(): Promise<void> {
    while (this.unstarted.length > 0 || this.inFlight >= this.maxInFlight) await this.finished();
    const { key, lastId } = this.stream;
    const answer = await this.blocking.xread('COUNT', READ_COUNT, 'BLOCK', 2_000, 'STREAMS', key, lastId);
    this.take(answer?.[0]?.[1] ?? []);
  }

  private take(entries: StreamEntry[]): void {
    for (const [id, fields] of entries) {
      this.stream.lastId = id;
      const requests = decodeRequests(fields);
      if (requests.length === 0) this.remove(id);
      else this.entries.set(id, requests.length);
      for (const request of requests) this.unstarted.push([id, request]);
    }
    this.startSome();
  }

  private startSome(): void {
    const free = this.maxInFlight - this.inFlight;
    for (const [id, request] of this.unstarted.splice(0, free)) {
      this.inFlight += 1;
      const waited = Math.max(0, this.now() - entryTime(id));
      void this.accept(request, waited).then(() => {
        this.finish(id);
      });
    }
  }

  private finish(id: string): void {
    this.inFlight -= 1;
    const left = (this.entries.get(id) ?? 1) - 1;
    if (left > 0) this.entries.set(id, left);
    else {
      this.entries.delete(id);
      this.remove(id);
    }
    if (this.unstarted.length > 0) this.startSome();
    this.nextFinish?.resolve(undefined);
    this.nextFinish = undefined;
  }

  private finished(): Promise<undefined> {
    this.nextFinish ??= Promise.withResolvers<undefined>();
    return this.nextFinish.promise;
  }

  private remove(id: string): void {
    if (this.answered.push(id) === 1)
      setImmediate(() => {
        this.removeAnswered();
      });
  }

  private removeAnswered(): void {
    const ids = this.answered;
    if (ids.length === 0) return;
    this.answered = [];
    this.redis.xdel(this.stream.key, ...ids).catch(() => {
      this.answered.push(...ids);
    });
  }
}
