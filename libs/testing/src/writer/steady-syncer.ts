import type { ClientEvent, SyncAnswer } from '../client/answer.js';
import { query } from '../client/encode-path.js';
import type { TestUser } from '../client/test-user.js';

/** Long-polls sync without end, as clients do, and remembers what came and what failed. */
export class SteadySyncer {
  readonly failures: string[] = [];
  private readonly events = new Map<string, ClientEvent>();
  /** Ids that came a second time. */
  readonly repeated: string[] = [];
  private stopping = false;
  private readonly following: Promise<void>;

  constructor(
    private readonly user: TestUser,
    since: string,
  ) {
    this.following = this.followFrom(since);
    // stop() tells of it.
    this.following.catch(() => undefined);
  }

  get seen(): string[] {
    return [...this.events.keys()];
  }

  /** Resolves once `eventIds` have come. @throws Error that counts what has not */
  async sees(eventIds: readonly string[], withinMs = 15_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const missing = eventIds.filter((eventId) => !this.events.has(eventId));
      if (missing.length === 0) return;
      if (Date.now() > deadline)
        throw new Error(
          `sync never brought ${missing.length} of ${eventIds.length} events: ${this.failures.join('; ')}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Resolves when the last request has been answered. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.following;
  }

  private async followFrom(first: string): Promise<void> {
    let since = first;
    while (!this.stopping) {
      const answer = await this.user
        .request('GET', `/v3/sync${query({ since, timeout: 2000, filter: largeTimelines })}`)
        .catch((error: unknown) => error as Error);
      if (answer instanceof Error || answer.status !== 200) {
        this.failures.push(answer instanceof Error ? answer.message : `${answer.status} ${answer.text}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      since = answer.body['next_batch'] as string;
      const { rooms } = answer.body as unknown as SyncAnswer;
      for (const event of Object.values(rooms?.join ?? {}).flatMap((room) => room.timeline.events)) {
        if (this.events.has(event.event_id)) this.repeated.push(event.event_id);
        this.events.set(event.event_id, event);
      }
    }
  }
}

const largeTimelines = JSON.stringify({ room: { timeline: { limit: 1000 } } });
