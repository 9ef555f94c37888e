import type { Command } from '@atoll/contract';
import { encodeMessage } from './envelope.js';

/** Where the current try went. */
export interface SentTo {
  readonly key: string;
  readonly entryId: string;
  readonly instance?: string;
  readonly epoch?: number;
}

/** One request of this process, over all its tries. Times are those of `performance.now()`. */
export interface PendingRequest {
  readonly id: string;
  readonly command: Command;
  readonly payload: unknown;
  readonly partition: number | undefined;
  readonly idempotencyKey: string;
  readonly traceparent: string | undefined;
  readonly startedAt: number;
  readonly deadline: number;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: Error) => void;
  attempt: number;
  /** Undefined while it waits to be sent (again). */
  sent: SentTo | undefined;
  /** When to send again or, once sent, when to look after it. */
  dueAt: number;
  /** Looks without an answer since it was last sent. */
  looks: number;
  settled: boolean;
}

export function encodeRequest(request: PendingRequest, replyTo: string, epoch?: number): string {
  const { id, command, attempt, idempotencyKey, partition, traceparent, payload } = request;
  return encodeMessage({
    id,
    pattern: command.pattern,
    version: command.version,
    attempt,
    ttl: Math.ceil(request.deadline - performance.now()),
    idempotencyKey,
    partition,
    epoch,
    replyTo,
    traceparent,
    payload,
  });
}
