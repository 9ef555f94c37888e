import { extractTraceContext, withSpan } from '@atoll/telemetry';
import { badJson, MatrixError } from '@atoll/matrix';
import { Logger } from '@nestjs/common';
import { SpanKind } from '@opentelemetry/api';
import { isObservable, lastValueFrom } from 'rxjs';
import { CommandContext } from './command-context.js';
import type { CommandHandler, CommandHandlers } from './command-handlers.js';
import type { ReplyOutcome, RequestEnvelope } from './envelope.js';
import { NotOwner } from './not-owner.js';
import { handleDuration, joined, queueDuration } from './stream-metrics.js';

const logger = new Logger('CommandRunner');

export interface Arrival {
  /** Ms between the entry and now. */
  readonly waited: number;
  readonly delivery: number;
}

/** The answer, and for a failure what really happened: that stays inside. */
export interface RunResult {
  readonly reply: ReplyOutcome;
  readonly error?: unknown;
}

/** Hands requests to their handlers; a request that arrives again while it runs joins the running one. */
export class CommandRunner {
  private readonly running = new Map<string, Promise<RunResult>>();

  constructor(private readonly handlers: CommandHandlers) {}

  /** Never rejects. */
  run(request: RequestEnvelope, arrival: Arrival): Promise<RunResult> {
    const handler = this.handlers.find(request.pattern, request.version);
    if (!handler) {
      const supported = this.handlers.versions(request.pattern);
      return Promise.resolve({ reply: { outcome: 'unsupported-version', supported } });
    }
    const key = `${request.pattern} ${request.idempotencyKey}`;
    const same = this.running.get(key);
    if (same) {
      joined.add(1, { pattern: request.pattern });
      return same;
    }
    const result = this.execute(handler, request, arrival).finally(() => this.running.delete(key));
    this.running.set(key, result);
    return result;
  }

  private async execute(
    handler: CommandHandler,
    request: RequestEnvelope,
    arrival: Arrival,
  ): Promise<RunResult> {
    const { pattern } = request;
    const { waited } = arrival;
    const startedAt = performance.now();
    queueDuration.record(waited / 1000, { pattern });
    let result: RunResult;
    try {
      const output = await withSpan(
        `handle ${pattern}`,
        {
          'messaging.system': 'redis-streams',
          'messaging.operation.type': 'process',
          'atoll.pattern': pattern,
        },
        () => invoke(handler, request, arrival),
        { kind: SpanKind.SERVER, parent: extractTraceContext(request.traceparent) },
      );
      result = { reply: { outcome: 'done', waited, output } };
    } catch (error) {
      result = { reply: toReply(error, waited), error };
    }
    handleDuration.record((performance.now() - startedAt) / 1000, { pattern, outcome: result.reply.outcome });
    return result;
  }
}

/** Awaits what Nest's proxy returns; only a handler that returns an observable pays for one. */
async function invoke(
  { command, handle }: CommandHandler,
  request: RequestEnvelope,
  arrival: Arrival,
): Promise<unknown> {
  const input = command.input.safeParse(request.payload);
  if (!input.success) throw badJson('The command does not have the shape of its version');
  const deadline = request.ttl === undefined ? undefined : Date.now() + request.ttl - arrival.waited;
  const { pattern, idempotencyKey, partition, epoch } = request;
  const result: unknown = await handle(
    input.data,
    new CommandContext(pattern, idempotencyKey, deadline, partition, epoch, arrival.delivery),
  );
  return isObservable(result) ? lastValueFrom(result) : result;
}

function toReply(error: unknown, waited: number): ReplyOutcome {
  if (error instanceof NotOwner) return { outcome: 'not-owner' };
  const { status, errcode, message, extra } = toAnswer(error);
  return { outcome: 'failed', waited, error: { status, errcode, message, extra } };
}

function toAnswer(error: unknown): MatrixError {
  if (error instanceof MatrixError) return error;
  logger.error(error);
  return new MatrixError(500, 'M_UNKNOWN', 'Internal server error');
}
