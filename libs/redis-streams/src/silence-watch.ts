import type { RedisConnection } from './connect-redis.js';
import type { OwnerResolver } from './partition-gate.js';
import type { PendingRequest, SentTo } from './pending-request.js';
import { resent } from './stream-metrics.js';

const TICK_MS = 50;
const LOOK_EVERY_MS = 500;
/** Existence of entries is looked up for at most so many requests a tick; others wait for their next turn. */
const MAX_LOOKUPS = 100;
const ANSWER_UNDERWAY_MS = 100;

interface Actions {
  send(request: PendingRequest): void;
  expire(request: PendingRequest): void;
}

/**
 * Looks after the requests of a client with one timer for all: ends those past their deadline, sends those that are due,
 * and finds out why a sent one stays silent. Sent again is what went to an instance that is no longer the owner, and
 * what has left its stream without an answer: flushed, or answered to a flushed reply stream.
 */
export class SilenceWatch {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly redis: RedisConnection,
    private readonly owners: OwnerResolver | undefined,
    private readonly pending: ReadonlyMap<string, PendingRequest>,
    private readonly actions: Actions,
  ) {}

  /** Runs until nothing is pending. */
  start(): void {
    this.timer ??= setInterval(() => {
      this.tick();
    }, TICK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tick(): void {
    if (this.pending.size === 0) {
      this.stop();
      return;
    }
    const now = performance.now();
    const silent = new Map<number | undefined, PendingRequest[]>();
    for (const request of this.pending.values()) {
      if (now >= request.deadline) this.actions.expire(request);
      else if (now < request.dueAt) continue;
      else if (!request.sent) this.actions.send(request);
      else {
        request.dueAt = now + LOOK_EVERY_MS;
        const group = silent.get(request.partition);
        if (group) group.push(request);
        else silent.set(request.partition, [request]);
      }
    }
    let lookups = MAX_LOOKUPS;
    for (const [partition, requests] of silent) {
      const asked = requests.filter((request) => isLookupDue(request) && lookups-- > 0);
      void this.look(partition, requests, asked).catch(() => undefined); // Redis or the resolver is away: next time.
    }
  }

  private async look(
    partition: number | undefined,
    requests: readonly PendingRequest[],
    asked: readonly PendingRequest[],
  ): Promise<void> {
    if (partition !== undefined) {
      const owner = await this.owners?.ownerOf(partition);
      for (const request of requests) {
        const { sent } = request;
        if (!sent || !owner || request.settled) continue;
        if (owner.instance === sent.instance && owner.epoch === sent.epoch) continue;
        resent.add(1, { pattern: request.command.pattern, reason: 'owner-moved' });
        this.actions.send(request);
      }
    }
    for (const request of asked) {
      const { sent } = request;
      if (!sent || (await this.exists(sent)) || request.sent !== sent || request.settled) continue;
      resent.add(1, { pattern: request.command.pattern, reason: 'lost' });
      // Not at once: the answer may be on its way to this process.
      request.sent = undefined;
      request.dueAt = performance.now() + ANSWER_UNDERWAY_MS;
    }
  }

  private async exists({ key, entryId }: SentTo): Promise<boolean> {
    return (await this.redis.xrange(key, entryId, entryId)).length > 0;
  }
}

/** The first look asks for the owner alone; the second, fourth, eighth … also whether the entry still exists. */
function isLookupDue(request: PendingRequest): boolean {
  request.looks += 1;
  return request.looks >= 2 && (request.looks & (request.looks - 1)) === 0;
}
