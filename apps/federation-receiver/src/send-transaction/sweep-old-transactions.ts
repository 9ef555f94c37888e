import type { ReceivedTransactionTransactor } from '@atoll/database';
import { type Logger, logError } from '@atoll/telemetry';

/** Servers that retry do so within days, or start over with a new transaction. */
const KEEP_MS = 7 * 24 * 3_600_000;
const EVERY_MS = 600_000;

/** Deletes answers that nobody asks for again; returns how to stop. Every instance may do it: they delete the same rows. */
export function sweepOldTransactions(transactor: ReceivedTransactionTransactor, logger: Logger): () => void {
  const timer = setInterval(() => {
    transactor.deleteOlderThan(KEEP_MS).catch((error: unknown) => {
      logError(logger, error, 'Old transactions of other servers were not deleted');
    });
  }, EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
