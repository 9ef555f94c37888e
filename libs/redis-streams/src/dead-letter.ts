import type { RedisConnection } from './connect-redis.js';
import { decodeRequests } from './envelope.js';
import { deadLetterKey, workKey } from './keys.js';
import { deadLetters } from './stream-metrics.js';
import { entryTime, type StreamEntry } from './stream-id.js';

export const WORK_GROUP = 'workers';
const MAX_DEAD_LETTERS = 10_000;

/** Work that was given up after its last try. */
export interface DeadLetter {
  readonly id: string;
  /** Ms since 1970, by the clock of Redis. */
  readonly at: number;
  readonly reason: string;
  readonly deliveries: number;
  readonly pattern: string;
  readonly version: number;
  readonly idempotencyKey: string;
  readonly payload: unknown;
}

/** Moves an entry of the shared work out of the way, in one transaction. */
export async function putAside(
  redis: RedisConnection,
  service: string,
  [id, fields]: StreamEntry,
  reason: string,
  deliveries: number,
): Promise<void> {
  const work = workKey(service);
  await redis
    .multi()
    .xadd(
      deadLetterKey(service),
      'MAXLEN',
      '~',
      MAX_DEAD_LETTERS,
      '*',
      'reason',
      reason,
      'deliveries',
      deliveries,
      ...fields,
    )
    .xack(work, WORK_GROUP, id)
    .xdel(work, id)
    .exec();
  deadLetters.add(1, { service });
}

/** The oldest dead letters of a service, at most `count`; `after` (an id) continues a list. */
export async function listDeadLetters(
  redis: RedisConnection,
  service: string,
  count = 100,
  after?: string,
): Promise<DeadLetter[]> {
  const entries = await redis.xrange(deadLetterKey(service), after ? `(${after}` : '-', '+', 'COUNT', count);
  return entries.flatMap(([id, fields]) => {
    const [, reason = '', , deliveries = '0', ...message] = fields;
    return decodeRequests(message).map(({ pattern, version, idempotencyKey, payload }) => ({
      id,
      at: entryTime(id),
      reason,
      deliveries: Number(deliveries),
      pattern,
      version,
      idempotencyKey,
      payload,
    }));
  });
}
