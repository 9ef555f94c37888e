import type { ClientEvent, SyncAnswer } from './answer.js';
import type { TestUser } from './test-user.js';

/** Follows a user's sync from token to token, as a client does. */
export class SyncFollower {
  /** Every answer so far. */
  readonly answers: SyncAnswer[] = [];

  constructor(
    private readonly user: TestUser,
    public since: string,
  ) {}

  /** The news since the last answer; waits up to `timeoutMs` for some. */
  async next(timeoutMs = 0): Promise<SyncAnswer> {
    const answer = await this.user.sync({ since: this.since, timeout: timeoutMs });
    this.since = answer.next_batch;
    this.answers.push(answer);
    return answer;
  }

  /**
   * Follows until an answer fulfils `predicate`.
   * @throws Error with what came instead
   */
  async until(
    what: string,
    predicate: (answer: SyncAnswer) => boolean,
    withinMs = 10_000,
  ): Promise<SyncAnswer> {
    const deadline = Date.now() + withinMs;
    const seen = this.answers.length;
    while (Date.now() < deadline) {
      const answer = await this.next(Math.max(1, deadline - Date.now()));
      if (predicate(answer)) return answer;
    }
    const came = JSON.stringify(this.answers.slice(seen)).slice(0, 3000);
    throw new Error(`${this.user.userId} saw no ${what} in ${withinMs} ms: ${came}`);
  }

  /** Follows until an event arrives in a timeline of a joined room. */
  async untilEvent(roomId: string, eventId: string, withinMs?: number): Promise<ClientEvent> {
    const find = (answer: SyncAnswer) =>
      answer.rooms?.join?.[roomId]?.timeline.events.find((event) => event.event_id === eventId);
    const answer = await this.until(`event ${eventId}`, (news) => find(news) !== undefined, withinMs);
    return find(answer) as ClientEvent;
  }
}
