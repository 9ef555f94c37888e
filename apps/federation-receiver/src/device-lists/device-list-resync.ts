import { type Database, type DueResync, RemoteDeviceListTransactor } from '@atoll/database';
import type { FederationClient } from '@atoll/federation-client';
import { isJsonObject, type ServerName, serverNameOf, type UserId } from '@atoll/matrix';
import type { Announcer } from '@atoll/redis-streams';
import { type AskServer, RemoteDeviceLists, RepeatedWork } from '@atoll/service';
import { type Logger, logError } from '@atoll/telemetry';

const LOOK_MS = 1_000;
const SWEEP_MS = 3_600_000;
/** Servers that are asked at once. */
const MAX_ASKED = 50;
/** For how long lists belong to who has taken them. */
const CLAIM_MS = 120_000;
const TIMEOUT_MS = 20_000;
const SWEEP_PAGE = 200;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 3_600_000;
/** After about ten hours nobody asks any more, until somebody wants to know the list. */
const MAX_TRIES = 20;
const FAILURE = 'Cannot fetch device lists of other servers';

export interface DeviceListResyncOptions {
  readonly database: Database;
  readonly serverName: ServerName;
  readonly announcer: Announcer;
  readonly federation: Pick<FederationClient, 'send'>;
  readonly logger: Logger;
}

/**
 * Asks for lists of which an update was missed, in the background: one list of a server at a time, each time after a longer while. Servers
 * do not wait for each other. Any instance takes what is due. It also forgets the lists of users with whom nobody shares a room any more.
 * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
 */
export class DeviceListResync {
  readonly lists: RemoteDeviceLists;
  readonly #looks: RepeatedWork;
  readonly #sweeps: RepeatedWork;
  readonly #asked = new Map<ServerName, Promise<void>>();
  #looking: Promise<void> | undefined;
  #isHinted = false;
  #isStopped = false;

  constructor(private readonly options: DeviceListResyncOptions) {
    const { database, serverName, announcer, federation, logger } = options;
    this.lists = new RemoteDeviceLists(database, serverName, announcer, askBy(federation));
    this.#looks = new RepeatedWork({
      everyMs: LOOK_MS,
      work: () => this.#lookOnce(),
      logger,
      failure: FAILURE,
    });
    this.#sweeps = new RepeatedWork({
      everyMs: SWEEP_MS,
      work: () => this.sweep(),
      logger,
      failure: 'Cannot forget device lists of other servers',
    });
  }

  start(): void {
    this.#looks.start();
    this.#sweeps.start();
  }

  /** There is a list to be asked for: it need not wait for the next look. */
  hint(): void {
    this.#isHinted = true;
    // What fails is logged by the repeated looks, which do the same.
    void this.#lookOnce().catch(() => undefined);
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#looks.stop(), this.#sweeps.stop(), this.#looking?.catch(() => undefined)]);
    await Promise.all(this.#asked.values());
  }

  /** Forgets the lists of users with whom nobody shares a room any more. */
  async sweep(): Promise<void> {
    let after: UserId | '' = '';
    while (!this.#isStopped) {
      const page: UserId[] = await this.lists.reader.page(after, SWEEP_PAGE);
      const last = page.at(-1);
      if (last === undefined) return;
      const sharing = await this.lists.reader.sharing(page);
      await this.#transact((lists) => lists.forget(page.filter((userId) => !sharing.has(userId))));
      after = last;
    }
  }

  #lookOnce(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<void> {
    let isMore = true;
    while (!this.#isStopped && (isMore || this.#isHinted)) {
      this.#isHinted = false;
      const free = MAX_ASKED - this.#asked.size;
      // Whoever makes room gives a hint.
      if (free === 0) return;
      const asked = [...this.#asked.keys()];
      const due = await this.#transact((lists) => lists.claimDue(Date.now(), CLAIM_MS, free, asked));
      isMore = due.length >= free;
      const sharing = await this.lists.reader.sharing(due.map(({ userId }) => userId));
      const gone = due.flatMap(({ userId }) => (sharing.has(userId) ? [] : [userId]));
      if (gone.length > 0) await this.#transact((lists) => lists.forget(gone));
      const wanted = due.filter(({ userId }) => sharing.has(userId));
      const byServer = Map.groupBy(wanted, ({ userId }) => serverNameOf(userId));
      for (const [server, ofServer] of byServer) this.#ask(server, ofServer);
    }
  }

  #ask(server: ServerName, due: readonly DueResync[]): void {
    const asking = this.#fetch(server, due)
      // They come due again.
      .catch((error: unknown) => {
        logError(this.options.logger, error, FAILURE);
      })
      .finally(() => {
        this.#asked.delete(server);
        this.hint();
      });
    this.#asked.set(server, asking);
  }

  /** A server that does not answer is not asked for the rest. */
  async #fetch(server: ServerName, due: readonly DueResync[]): Promise<void> {
    for (const [index, { userId }] of due.entries()) {
      if (this.#isStopped) return;
      try {
        const told = new Set<UserId>();
        await this.lists.fetch(server, [userId], { timeoutMs: TIMEOUT_MS }, (one) => told.add(one));
        if (!told.has(userId)) throw new Error('the server tells no list');
      } catch {
        // Its own metric and trace tell of the request.
        await this.#postpone(due.slice(index));
        return;
      }
    }
  }

  async #postpone(due: readonly DueResync[]): Promise<void> {
    await this.#transact(async (lists) => {
      for (const { userId, tries } of due) {
        const interval = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (tries - 1));
        const retryAt = Date.now() + Math.ceil(interval * (0.8 + 0.4 * Math.random()));
        await lists.postpone([userId], tries >= MAX_TRIES ? null : retryAt);
      }
    });
  }

  #transact<T>(work: (lists: RemoteDeviceListTransactor) => Promise<T>): Promise<T> {
    return this.options.database.db.transaction().execute((trx) => work(new RemoteDeviceListTransactor(trx)));
  }
}

function askBy(federation: Pick<FederationClient, 'send'>): AskServer {
  return async (server, { method, path, content, ...limits }) => {
    const result = await federation.send(server, method, path, content, limits);
    if (result.outcome === 'failed') throw result.error;
    if (result.outcome === 'refused') {
      if (result.status === 404) return undefined;
      throw new Error(`The server answered ${result.status}`);
    }
    return isJsonObject(result.body) ? result.body : undefined;
  };
}
