import { setTimeout as delay } from 'node:timers/promises';
import type { CommandRunner } from './command-runner.js';
import { connectForBlocking, type RedisConnection } from './connect-redis.js';
import { putAside, WORK_GROUP } from './dead-letter.js';
import { decodeRequests, MESSAGE_FIELD, encodeMessage, type RequestEnvelope } from './envelope.js';
import { workKey } from './keys.js';
import type { ReplyWriter } from './reply-writer.js';
import { RunLoop } from './run-loop.js';
import { entryTime, type StreamEntry } from './stream-id.js';
import { expired, retried } from './stream-metrics.js';

export interface WorkOptions {
  /** Entries handled at once by this instance. */
  readonly concurrency: number;
  /** Deliveries after which an entry becomes a dead letter. */
  readonly maxDeliveries: number;
  /** Ms without a sign of life after which an entry is delivered again; also the delay of a retry. */
  readonly retryAfterMs: number;
}

export const defaultWorkOptions: WorkOptions = { concurrency: 16, maxDeliveries: 5, retryAfterMs: 10_000 };

interface WorkSetup {
  readonly redis: RedisConnection;
  readonly service: string;
  readonly instance: string;
  readonly runner: CommandRunner;
  readonly replies: ReplyWriter;
  /** The clock of Redis, in ms. */
  readonly now: () => number;
  readonly options: WorkOptions;
}

/** How often work that no running version knows goes round, a second apart, before it is put aside. */
const MAX_ROUNDS = 300;
const FORGET_CONSUMER_MS = 3_600_000;

/**
 * Takes a service's shared work, which any of its instances may do, through a consumer group. At least once: an entry
 * is acknowledged after its handler is done, and handlers are idempotent by key.
 */
export class WorkConsumer {
  private readonly redis: RedisConnection;
  private readonly service: string;
  private readonly instance: string;
  private readonly options: WorkOptions;
  private readonly key: string;
  private readonly blocking: RedisConnection;
  private readonly loop: RunLoop;
  private readonly running = new Map<string, Promise<void>>();
  private timers: NodeJS.Timeout[] = [];
  private groupExists = false;

  constructor(private readonly setup: WorkSetup) {
    const { redis, service, instance } = setup;
    this.redis = redis;
    this.service = service;
    this.instance = instance;
    this.options = setup.options;
    this.key = workKey(service);
    this.blocking = connectForBlocking(redis, `${instance}:work`);
    this.loop = new RunLoop(
      `work of ${service}`,
      this.blocking,
      () => this.read(),
      () => {
        // The group goes with the stream when Redis is flushed or restarted.
        this.groupExists = false;
      },
    );
  }

  start(): void {
    this.loop.start();
    this.timers = [
      setInterval(() => void this.showLife().catch(() => undefined), this.options.retryAfterMs / 3),
      setInterval(() => void this.takeOver().catch(() => undefined), this.options.retryAfterMs / 2),
    ];
    for (const timer of this.timers) timer.unref();
  }

  /** Takes nothing new and finishes what it has; what failed waits for another instance. */
  async stop(): Promise<void> {
    await this.loop.stop();
    await Promise.all(this.running.values());
    for (const timer of this.timers) clearInterval(timer);
    await this.removeConsumer(this.instance).catch(() => undefined);
  }

  private async read(): Promise<void> {
    if (!this.groupExists) await this.createGroup();
    const free = this.options.concurrency - this.running.size;
    if (free <= 0) {
      await Promise.race(this.running.values());
      return;
    }
    const answer = (await this.blocking.xreadgroup(
      'GROUP',
      WORK_GROUP,
      this.instance,
      'COUNT',
      free,
      'BLOCK',
      2_000,
      'STREAMS',
      this.key,
      '>',
    )) as [string, StreamEntry[]][] | null;
    for (const entry of answer?.[0]?.[1] ?? []) this.take(entry, 1);
  }

  private take(entry: StreamEntry, delivery: number): void {
    const [id] = entry;
    const work = this.handle(entry, delivery)
      .catch(() => undefined) // Redis did not take the outcome: the entry is delivered again.
      .finally(() => this.running.delete(id));
    this.running.set(id, work);
  }

  private async handle(entry: StreamEntry, delivery: number): Promise<void> {
    const [id, fields] = entry;
    const [request] = decodeRequests(fields);
    if (!request) return putAside(this.redis, this.service, entry, 'unreadable', delivery);
    const waited = Math.max(0, this.setup.now() - entryTime(id));
    if (request.ttl !== undefined && waited > request.ttl) {
      expired.add(1, { pattern: request.pattern });
      return this.acknowledge(id);
    }
    const { reply, error } = await this.setup.runner.run(request, { waited, delivery });
    if (reply.outcome === 'unsupported-version') return this.passOn(entry, request);
    if (request.replyTo !== undefined) await this.setup.replies.reply(request, reply);
    else if (reply.outcome === 'failed') return this.fail(entry, delivery, error);
    return this.acknowledge(id);
  }

  /** A failed entry stays pending, and is due again when it has been idle long enough. */
  private async fail(entry: StreamEntry, delivery: number, error: unknown): Promise<void> {
    if (delivery < this.options.maxDeliveries) return;
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    await putAside(this.redis, this.service, entry, reason, delivery);
  }

  /** During a roll-out another instance may know what this one does not. */
  private async passOn(entry: StreamEntry, request: RequestEnvelope): Promise<void> {
    const [id] = entry;
    if (request.attempt >= MAX_ROUNDS) {
      const reason = `no instance knows ${request.pattern} version ${String(request.version)}`;
      return putAside(this.redis, this.service, entry, reason, request.attempt);
    }
    await delay(1_000, undefined, { ref: false });
    const ttl = request.ttl === undefined ? undefined : request.ttl - (this.setup.now() - entryTime(id));
    const message = encodeMessage({ ...request, ttl, attempt: request.attempt + 1 });
    await this.redis
      .multi()
      .xadd(this.key, '*', MESSAGE_FIELD, message)
      .xack(this.key, WORK_GROUP, id)
      .xdel(this.key, id)
      .exec();
  }

  private async acknowledge(id: string): Promise<void> {
    await this.redis.multi().xack(this.key, WORK_GROUP, id).xdel(this.key, id).exec();
  }

  /** Renews the claim on what is being done, so that long work is not mistaken for a dead consumer's. */
  private async showLife(): Promise<void> {
    const ids = [...this.running.keys()];
    if (ids.length > 0)
      await this.redis.call('XCLAIM', this.key, WORK_GROUP, this.instance, 0, ...ids, 'JUSTID');
  }

  /** Takes over what failed or what a dead consumer left. XAUTOCLAIM would not tell the number of deliveries. */
  private async takeOver(): Promise<void> {
    const free = this.options.concurrency - this.running.size;
    if (free <= 0) return;
    const { retryAfterMs, maxDeliveries } = this.options;
    const stale = (await this.redis.xpending(this.key, WORK_GROUP, 'IDLE', retryAfterMs, '-', '+', free)) as [
      id: string,
      consumer: string,
      idle: number,
      deliveries: number,
    ][];
    for (const [id, , , deliveries] of stale) {
      if (this.running.has(id)) continue;
      // With a minimum idle time only one of several instances gets it.
      const claimed = await this.redis.call('XCLAIM', this.key, WORK_GROUP, this.instance, retryAfterMs, id);
      const [entry] = claimed as StreamEntry[];
      if (!entry) continue;
      if (deliveries >= maxDeliveries) {
        await putAside(this.redis, this.service, entry, 'its consumers died', deliveries);
      } else {
        retried.add(1, { service: this.service });
        this.take(entry, deliveries + 1);
      }
    }
  }

  private async createGroup(): Promise<void> {
    try {
      await this.redis.xgroup('CREATE', this.key, WORK_GROUP, '0', 'MKSTREAM');
    } catch (error) {
      if (!(error as Error).message.startsWith('BUSYGROUP')) throw error;
    }
    this.groupExists = true;
    await this.removeIdleConsumers();
  }

  /** Instances that died leave their names behind; a live one asks for work every two seconds. */
  private async removeIdleConsumers(): Promise<void> {
    const consumers = (await this.redis.xinfo('CONSUMERS', this.key, WORK_GROUP)) as unknown[][];
    for (const [, name, , pending, , idle] of consumers) {
      if (pending === 0 && Number(idle) > FORGET_CONSUMER_MS) await this.removeConsumer(String(name));
    }
  }

  /** Removing a consumer would discard what it has pending, so only one without goes. */
  private async removeConsumer(consumer: string): Promise<void> {
    const pending = await this.redis.xpending(this.key, WORK_GROUP, '-', '+', 1, consumer);
    if (pending.length === 0) await this.redis.xgroup('DELCONSUMER', this.key, WORK_GROUP, consumer);
  }
}
