import type { Bench } from '../benchmark.js';
import { HttpLoad } from '../load/http-load.js';
import type { LoadUser } from '../load/load-user.js';
import { inParallel } from '../measure/closed-loop.js';

const WAIT_MS = 120_000;

/** Clients that each have one sync waiting, over a connection of its own. */
export class WaitingClients {
  /** Syncs that are answered or broken, and wait no more. */
  ended = 0;
  private readonly http: HttpLoad;

  constructor(
    bench: Bench,
    clientUrl: string,
    private readonly users: readonly LoadUser[],
  ) {
    this.http = new HttpLoad(bench, clientUrl, users.length);
  }

  /** Sends all requests, some at a time, without waiting for answers. */
  async open(since: string): Promise<void> {
    await inParallel(this.users.length, 50, async (index) => {
      const user = this.users[index];
      const ended = () => (this.ended += 1);
      user?.over(this.http).sync(since, WAIT_MS).then(ended, ended);
      // About as fast as the server can take up connections.
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
  }

  close(): Promise<void> {
    return this.http.close();
  }
}
