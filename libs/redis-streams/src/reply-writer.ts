import type { RedisConnection } from './connect-redis.js';
import { encodeMessage, type ReplyOutcome, type RequestEnvelope } from './envelope.js';
import { repliesLost } from './stream-metrics.js';
import { StreamWriter } from './stream-writer.js';

/** Writes answers to the callers' reply streams. A lost answer is counted; its caller notices and asks again. */
export class ReplyWriter {
  private readonly writer: StreamWriter;

  constructor(redis: RedisConnection) {
    this.writer = new StreamWriter(redis, 'existing');
  }

  /** Resolves when Redis has the answer, or will not have it. */
  async reply(request: RequestEnvelope, outcome: ReplyOutcome): Promise<void> {
    if (request.replyTo === undefined) return;
    const written = await this.writer.write(request.replyTo, encodeReply(request, outcome)).catch(() => null);
    if (written === null) repliesLost.add(1);
  }
}

function encodeReply({ id, attempt }: RequestEnvelope, outcome: ReplyOutcome): string {
  try {
    return encodeMessage({ id, attempt, ...outcome });
  } catch {
    const error = { status: 500, errcode: 'M_TOO_LARGE', message: 'The answer is too large', extra: {} };
    return encodeMessage({ id, attempt, outcome: 'failed', waited: 0, error });
  }
}
