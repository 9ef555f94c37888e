import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type ReceivedTransactionTransactor, TransactionClaimLost } from '@atoll/database';
import { overloaded, type ServerName } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import { transactionsReceived } from './transaction-metrics.js';

/** A killed instance keeps a server from sending to others for so long. */
const CLAIM_MS = 10_000;
const RENEW_MS = 3_000;
/** How long a transaction waits for the one before. */
const WAIT_MS = 10_000;
const POLL_MS = 100;
/** Requests of one server that run or wait in this process: a server that follows the specification has one. */
const MAX_AT_ONCE = 4;
const RETRY_AFTER_MS = 5_000;

/** Lets one transaction of each server at a time be taken in, over all instances. */
export class TransactionTurns {
  readonly #present = new Map<ServerName, number>();

  constructor(
    private readonly transactor: ReceivedTransactionTransactor,
    private readonly logger: Logger,
  ) {}

  /**
   * Runs `take` while this process holds the claim of the server; what it commits must give up the claim (`record`), else it
   * is given up afterwards.
   * @throws MatrixError 503 when the server's other transactions take too long or are too many, or the claim was lost
   */
  async run<Answer>(origin: ServerName, take: (claim: string) => Promise<Answer>): Promise<Answer> {
    const present = this.#present.get(origin) ?? 0;
    if (present >= MAX_AT_ONCE) throw busy();
    this.#present.set(origin, present + 1);
    try {
      return await this.#withClaim(origin, take);
    } catch (error) {
      if (error instanceof TransactionClaimLost) throw busy();
      throw error;
    } finally {
      const left = (this.#present.get(origin) ?? 1) - 1;
      if (left === 0) this.#present.delete(origin);
      else this.#present.set(origin, left);
    }
  }

  async #withClaim<Answer>(origin: ServerName, take: (claim: string) => Promise<Answer>): Promise<Answer> {
    const claim = randomUUID();
    const deadline = performance.now() + WAIT_MS;
    while (!(await this.transactor.claim(origin, claim, CLAIM_MS))) {
      if (performance.now() + POLL_MS > deadline) throw busy();
      await setTimeout(POLL_MS);
    }
    const timer = setInterval(() => {
      // A renewal that fails is as good as none: what comes of it is that the commit is refused.
      this.transactor.renew(origin, claim, CLAIM_MS).catch(() => undefined);
    }, RENEW_MS);
    try {
      return await take(claim);
    } finally {
      clearInterval(timer);
      this.transactor.release(origin, claim).catch((error: unknown) => {
        logError(this.logger, error, 'A claim was not given up: it ends by itself');
      });
    }
  }
}

function busy() {
  transactionsReceived.add(1, { outcome: 'busy' });
  return overloaded(RETRY_AFTER_MS);
}
