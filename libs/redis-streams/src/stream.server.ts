import { observableGauge } from '@atoll/telemetry';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { CommandHandlers } from './command-handlers.js';
import { CommandRunner } from './command-runner.js';
import type { RedisConnection } from './connect-redis.js';
import type { ReplyOutcome, RequestEnvelope } from './envelope.js';
import { Inbox } from './inbox.js';
import type { PartitionGate } from './partition-gate.js';
import { ReplyWriter } from './reply-writer.js';
import { expired, notOwner } from './stream-metrics.js';
import { defaultWorkOptions, WorkConsumer, type WorkOptions } from './work-consumer.js';

export interface StreamServerOptions {
  readonly redis: RedisConnection;
  readonly service: string;
  /** Unique among the running instances of the service. */
  readonly instance: string;
  /** Asked about every command that names a partition; without one all are taken. */
  readonly gate?: PartitionGate;
  /** Also take the service's shared work. */
  readonly work?: Partial<WorkOptions> | boolean;
  /** Requests of the inbox handled at once; more wait in Redis. */
  readonly maxInFlight?: number;
}

/**
 * Nest transport that serves `@OnCommand` methods from this instance's inbox and, on request, from the service's shared
 * work. It starts without Redis and survives its loss. Release the partitions before it closes: then callers already
 * learn the next owner while it answers what it has.
 */
export class StreamServer extends Server implements CustomTransportStrategy {
  private readonly replies: ReplyWriter;
  private runner: CommandRunner | undefined;
  private inbox: Inbox | undefined;
  private work: WorkConsumer | undefined;
  private closing: Promise<void> | undefined;
  private stopMetrics: (() => void)[] = [];

  constructor(private readonly options: StreamServerOptions) {
    super();
    this.replies = new ReplyWriter(options.redis);
  }

  /** @throws Error when a handler was not declared with `@OnCommand`. */
  listen(callback: (error?: unknown) => void): void {
    const { redis, service, instance, maxInFlight = 1_024, work = false } = this.options;
    this.runner = new CommandRunner(new CommandHandlers(this.messageHandlers));
    const inbox = new Inbox(redis, service, instance, maxInFlight, (request, waited) =>
      this.accept(request, waited),
    );
    inbox.start();
    this.inbox = inbox;
    if (work !== false) {
      const options = { ...defaultWorkOptions, ...(work === true ? {} : work) };
      const now = () => inbox.now();
      this.work = new WorkConsumer({
        redis,
        service,
        instance,
        runner: this.runner,
        replies: this.replies,
        now,
        options,
      });
      this.work.start();
    }
    this.stopMetrics = [
      observableGauge('atoll_inbox_depth', 'Entries in the inbox', (result) => {
        result.observe(inbox.depth, { service });
      }),
      observableGauge('atoll_inbox_oldest_seconds', 'Age of the oldest unanswered request', (result) => {
        result.observe(inbox.oldestMs() / 1000, { service });
      }),
    ];
    callback();
  }

  /** True while the inbox is reachable for callers; of use to a readiness check. */
  isAlive(): boolean {
    return this.inbox?.isAlive() ?? false;
  }

  /** Answers NotOwner to what arrives, finishes and answers what is in hand, then removes the inbox. */
  close(): Promise<void> {
    this.closing ??= this.drain();
    return this.closing;
  }

  on(): never {
    throw new Error('StreamServer has no events');
  }

  unwrap(): never {
    throw new Error('StreamServer keeps its connections to itself');
  }

  private async drain(): Promise<void> {
    await Promise.all([this.inbox?.drained(), this.work?.stop()]);
    await this.inbox?.stop();
    for (const stop of this.stopMetrics) stop();
  }

  private async accept(request: RequestEnvelope, waited: number): Promise<void> {
    const { runner, replies } = this;
    if (!runner) return;
    if (request.ttl !== undefined && waited > request.ttl) {
      expired.add(1, { pattern: request.pattern });
      return;
    }
    const refusal = this.refusal(request);
    const reply = refusal ?? (await runner.run(request, { waited, delivery: 1 })).reply;
    await replies.reply(request, reply);
  }

  private refusal({ pattern, partition, epoch = 0 }: RequestEnvelope): ReplyOutcome | undefined {
    if (partition === undefined) return undefined;
    const ownership = this.options.gate?.check(partition, epoch) ?? { owned: true };
    if (ownership.owned && !this.closing) return undefined;
    notOwner.add(1, { pattern });
    return ownership.owned
      ? { outcome: 'not-owner' }
      : { outcome: 'not-owner', owner: ownership.owner, epoch: ownership.epoch };
  }
}
