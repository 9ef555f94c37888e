import { randomBytes } from 'node:crypto';
import { overloaded } from '@atoll/matrix';
import type { RedisConnection } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { REDIS } from '../platform/tokens.js';

/** What stands in a session. */
export interface RendezvousPayload {
  readonly data: string;
  readonly sequenceToken: string;
  readonly expiresInMs: number;
}

export type Written =
  | { readonly outcome: 'written'; readonly sequenceToken: string }
  /** Somebody else wrote meanwhile. */
  | { readonly outcome: 'concurrent' }
  | { readonly outcome: 'unknown' };

/** As long as the proposal allows: users confirm, and may have to log in somewhere else in between. */
const LIFETIME_MS = 300_000;
const RETRY_AFTER_MS = 1000;

const CREATE = `
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'data', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`;

const READ = `
local held = redis.call('HMGET', KEYS[1], 'data', 'token')
if not held[2] then return {} end
return {held[1], held[2], redis.call('PTTL', KEYS[1])}`;

/** A write that is sent again, because its answer was lost, finds its own data there. */
const WRITE = `
local held = redis.call('HMGET', KEYS[1], 'data', 'token')
if not held[2] then return 'unknown' end
if held[2] == ARGV[1] then
  redis.call('HSET', KEYS[1], 'token', ARGV[2], 'data', ARGV[3])
  return {ARGV[2]}
end
if held[1] == ARGV[3] then return {held[2]} end
return 'concurrent'`;

/**
 * Rendezvous sessions, in Redis alone: they live for minutes, and devices whose session a flush has taken begin again with a new code.
 * Any instance serves them. Ids are secrets: whoever knows one may read and write.
 */
@Injectable()
export class RendezvousSessions {
  constructor(@Inject(REDIS) private readonly redis: RedisConnection) {}

  async create(data: string): Promise<RendezvousPayload & { readonly id: string }> {
    const [id, sequenceToken] = [newSecret(), newSecret()];
    await this.run(CREATE, id, sequenceToken, data, LIFETIME_MS);
    return { id, data, sequenceToken, expiresInMs: LIFETIME_MS };
  }

  async read(id: string): Promise<RendezvousPayload | undefined> {
    const [data, sequenceToken, expiresInMs] = (await this.run(READ, id)) as [string?, string?, number?];
    if (data === undefined || sequenceToken === undefined) return undefined;
    return { data, sequenceToken, expiresInMs: Math.max(expiresInMs ?? 0, 0) };
  }

  /** Replaces the payload if it is the one that the writer has seen. */
  async write(id: string, seenToken: string, data: string): Promise<Written> {
    const answer = (await this.run(WRITE, id, seenToken, newSecret(), data)) as
      'unknown' | 'concurrent' | [string];
    return typeof answer === 'string'
      ? { outcome: answer }
      : { outcome: 'written', sequenceToken: answer[0] };
  }

  /** False when there was no such session. */
  async delete(id: string): Promise<boolean> {
    return (await this.run("return redis.call('DEL', KEYS[1])", id)) === 1;
  }

  /** @throws MatrixError 503 while Redis does not answer */
  private async run(script: string, id: string, ...values: (string | number)[]): Promise<unknown> {
    try {
      return await this.redis.eval(script, 1, `atoll:rendezvous:${id}`, ...values);
    } catch {
      throw overloaded(RETRY_AFTER_MS);
    }
  }
}

/** Of the opaque identifier grammar. @see https://spec.matrix.org/v1.19/appendices/#opaque-identifiers */
function newSecret(): string {
  return randomBytes(24).toString('base64url');
}
