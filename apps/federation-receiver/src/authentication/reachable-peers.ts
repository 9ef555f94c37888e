import { DestinationReachable } from '@atoll/contract';
import { clearBackOff, type Database } from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import type { Announcer } from '@atoll/redis-streams';
import { type Logger, logError } from '@atoll/telemetry';
import { LRUCache } from 'lru-cache';

/** So often at most the database is told of a server, by each process. */
const EVERY_MS = 60_000;
const REMEMBERED = 10_000;

/** A server that sends requests can be reached again, very likely: what waits for it need not wait longer. */
export class ReachablePeers {
  readonly #told = new LRUCache<ServerName, true>({ max: REMEMBERED, ttl: EVERY_MS });

  constructor(
    private readonly database: Database,
    private readonly announcer: Announcer,
    private readonly logger: Logger,
  ) {}

  /** Returns at once. */
  heardFrom(destination: ServerName): void {
    if (this.#told.has(destination)) return;
    this.#told.set(destination, true);
    clearBackOff(this.database.db, destination).then(
      (wasWaiting) => {
        if (wasWaiting) this.announcer.publish(DestinationReachable, { destination });
      },
      (error: unknown) => {
        this.#told.delete(destination);
        logError(this.logger, error, 'The back-off of a server that was heard from was not cleared');
      },
    );
  }
}
