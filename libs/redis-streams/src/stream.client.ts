import type { Command, CommandInput, CommandOutput } from '@atoll/contract';
import { MatrixError, overloaded } from '@atoll/matrix';
import { injectTraceContext, withSpan } from '@atoll/telemetry';
import { Logger } from '@nestjs/common';
import { SpanKind } from '@opentelemetry/api';
import { randomUUID } from 'node:crypto';
import type { RedisConnection } from './connect-redis.js';
import { encodeMessage, MESSAGE_FIELD, toMatrixError, type ReplyEnvelope } from './envelope.js';
import { inboxKey, workKey } from './keys.js';
import type { OwnerResolver } from './partition-gate.js';
import { encodeRequest, type PendingRequest, type SentTo } from './pending-request.js';
import type { ReplyStream } from './reply-stream.js';
import { SilenceWatch } from './silence-watch.js';
import { StreamLoad } from './stream-load.js';
import { refusedByLoad, requestDuration, resent } from './stream-metrics.js';
import { StreamWriter } from './stream-writer.js';
import { UnsupportedVersion } from './unsupported-version.js';

const logger = new Logger('CommandClient');

/** Outlives the takeover of a killed owner, so that the caller sees a slow answer instead of an error. */
const DEFAULT_TIMEOUT_MS = 20_000;
const LOOK_AFTER_MS = 500;

export interface CommandClientOptions {
  readonly redis: RedisConnection;
  /** The service that is asked. */
  readonly service: string;
  readonly replies: ReplyStream;
  /** Who owns the service's partitions; without it only shared work can be asked for. */
  readonly owners?: OwnerResolver;
  readonly maxPending?: number;
  /** Entries in a stream, and ms that a request lay in it, past which requests are refused at once. */
  readonly maxDepth?: number;
  readonly maxWaitMs?: number;
}

export interface RequestOptions<C extends Command> {
  readonly input: CommandInput<C>;
  /** The owner of this partition answers; without it any instance of the service may. */
  readonly partition?: number;
  /** Requests of the same key are the same wish; by default each request is its own. */
  readonly idempotencyKey?: string;
  readonly timeoutMs?: number;
}

/** Asks a service over Redis Streams, finding and following the owner of the partition. */
export class CommandClient {
  private readonly pending = new Map<string, PendingRequest>();
  private readonly inboxes: StreamWriter;
  private readonly load: StreamLoad;
  private readonly watch: SilenceWatch;

  constructor(private readonly options: CommandClientOptions) {
    const { redis, owners, maxDepth = 10_000, maxWaitMs = 5_000 } = options;
    this.inboxes = new StreamWriter(redis, 'existing');
    this.load = new StreamLoad(redis, maxDepth, maxWaitMs);
    this.watch = new SilenceWatch(redis, owners, this.pending, {
      send: (request) => {
        void this.send(request);
      },
      expire: (request) => {
        this.fail(request, overloaded(1_000));
      },
    });
  }

  /**
   * Sends a request and waits for its answer, sending it again under the same idempotency key when the owner moves, dies
   * or loses it.
   * @throws MatrixError that the handler threw; 503 `M_LIMIT_EXCEEDED` when the service is overloaded or gives no answer
   * in time (the effect may still come); `UnsupportedVersion` during an upgrade.
   */
  request<C extends Command>(command: C, options: RequestOptions<C>): Promise<CommandOutput<C>> {
    const { pattern } = command;
    return withSpan(
      `request ${pattern}`,
      { 'messaging.system': 'redis-streams', 'messaging.operation.type': 'send', 'atoll.pattern': pattern },
      () => this.begin(command, options),
      { kind: SpanKind.CLIENT },
    );
  }

  /** Puts shared work down for any instance; resolves when Redis has it. Work that must survive Redis begins in PostgreSQL. */
  async enqueue<C extends Command>(
    command: C,
    { input, idempotencyKey }: { input: CommandInput<C>; idempotencyKey?: string },
  ): Promise<void> {
    const { redis, service } = this.options;
    const id = randomUUID();
    const message = encodeMessage({
      id,
      pattern: command.pattern,
      version: command.version,
      attempt: 1,
      idempotencyKey: idempotencyKey ?? id,
      traceparent: injectTraceContext(),
      payload: input,
    });
    this.checkLoad(workKey(service), command.pattern);
    await redis.xadd(workKey(service), '*', MESSAGE_FIELD, message).catch(() => {
      throw overloaded(1_000);
    });
  }

  /** Stops looking after requests; those still waiting fail. */
  stop(): void {
    this.watch.stop();
    for (const request of this.pending.values()) this.fail(request, overloaded(1_000));
  }

  private begin<C extends Command>(command: C, options: RequestOptions<C>): Promise<CommandOutput<C>> {
    const { input, partition, idempotencyKey, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (this.pending.size >= (this.options.maxPending ?? 20_000)) {
      refusedByLoad.add(1, { pattern: command.pattern });
      return Promise.reject(overloaded(1_000));
    }
    return new Promise((resolve, reject) => {
      const id = randomUUID();
      const now = performance.now();
      const request: PendingRequest = {
        id,
        command,
        payload: input,
        partition,
        idempotencyKey: idempotencyKey ?? id,
        traceparent: injectTraceContext(),
        startedAt: now,
        deadline: now + timeoutMs,
        resolve: resolve as (output: unknown) => void,
        reject,
        attempt: 0,
        sent: undefined,
        dueAt: Number.POSITIVE_INFINITY,
        looks: 0,
        settled: false,
      };
      this.pending.set(id, request);
      this.options.replies.expect(id, (reply) => {
        this.answer(request, reply);
      });
      this.watch.start();
      void this.send(request);
    });
  }

  /** Never rejects: what goes wrong either ends the request or makes it due again soon. */
  private async send(request: PendingRequest): Promise<void> {
    const attempt = ++request.attempt;
    request.sent = undefined;
    request.dueAt = Number.POSITIVE_INFINITY;
    const sent = await this.trySend(request).catch((error: unknown) => {
      if (error instanceof MatrixError) this.fail(request, error);
      return undefined;
    });
    // An answer or a newer try may have come meanwhile.
    if (request.settled || request.attempt !== attempt) return;
    if (!sent) {
      resent.add(1, { pattern: request.command.pattern, reason: 'no-owner' });
      this.sendSoon(request);
      return;
    }
    request.sent = sent;
    request.looks = 0;
    request.dueAt = performance.now() + LOOK_AFTER_MS;
  }

  /** Undefined when there is no owner or it has no inbox just now. */
  private async trySend(request: PendingRequest): Promise<SentTo | undefined> {
    const { redis, service, replies, owners } = this.options;
    const { partition, command } = request;
    if (redis.status !== 'ready') return undefined;
    if (partition === undefined) {
      const key = workKey(service);
      this.checkLoad(key, command.pattern);
      const entryId = await redis.xadd(key, '*', MESSAGE_FIELD, encodeRequest(request, replies.key));
      return entryId === null ? undefined : { key, entryId };
    }
    const owner = await owners?.ownerOf(partition);
    if (!owner) return undefined;
    const key = inboxKey(service, owner.instance);
    this.checkLoad(key, command.pattern);
    const entryId = await this.inboxes.write(key, encodeRequest(request, replies.key, owner.epoch));
    if (entryId !== null) return { key, entryId, ...owner };
    owners?.forget(partition);
    return undefined;
  }

  private sendSoon(request: PendingRequest): void {
    request.sent = undefined;
    const pause = Math.min(40 * 2 ** Math.min(request.attempt, 4), 300);
    request.dueAt = performance.now() + pause * (0.5 + Math.random() / 2);
  }

  private answer(request: PendingRequest, reply: ReplyEnvelope): void {
    const refusesAnEarlierTry = reply.attempt !== request.attempt;
    if (reply.outcome === 'not-owner') {
      if (!refusesAnEarlierTry) this.follow(request, reply);
      return;
    }
    if (reply.outcome === 'unsupported-version') {
      if (refusesAnEarlierTry) return;
      this.fail(request, new UnsupportedVersion(request.command.pattern, reply.supported));
      return;
    }
    if (request.sent) this.load.sawWait(request.sent.key, reply.waited);
    if (reply.outcome === 'failed') {
      this.fail(request, toMatrixError(reply.error));
      return;
    }
    const output = request.command.output.safeParse(reply.output);
    if (!output.success) {
      logger.error(`The answer to ${request.command.pattern} does not have the shape of its version`);
      this.fail(request, new MatrixError(500, 'M_UNKNOWN', 'Internal server error'));
      return;
    }
    this.settle(request, 'done');
    request.resolve(output.data);
  }

  /** The first hint of a new owner is followed at once; later ones after a pause, in case two instances point at each other. */
  private follow(request: PendingRequest, { owner, epoch }: ReplyEnvelope & { outcome: 'not-owner' }): void {
    const { owners } = this.options;
    const { partition, command } = request;
    if (partition === undefined) return;
    resent.add(1, { pattern: command.pattern, reason: 'not-owner' });
    if (owner !== undefined && epoch !== undefined) owners?.learn(partition, owner, epoch);
    else owners?.forget(partition);
    if (request.attempt > 1 || owner === undefined) {
      this.sendSoon(request);
      return;
    }
    void this.send(request);
  }

  private checkLoad(key: string, pattern: string): void {
    try {
      this.load.check(key);
    } catch (error) {
      refusedByLoad.add(1, { pattern });
      throw error;
    }
  }

  private fail(request: PendingRequest, error: Error): void {
    if (request.settled) return;
    this.settle(request, 'failed');
    request.reject(error);
  }

  private settle(request: PendingRequest, outcome: 'done' | 'failed'): void {
    request.settled = true;
    this.pending.delete(request.id);
    this.options.replies.forget(request.id);
    const { pattern } = request.command;
    requestDuration.record((performance.now() - request.startedAt) / 1000, { pattern, outcome });
  }
}
