import type { RoomTransactor } from '@atoll/database';
import { type Logger, logError } from '@atoll/telemetry';

/** Far beyond any deadline of a command. */
const KEEP_MS = 3_600_000;
const EVERY_MS = 60_000;

/** Deletes answers that nobody can ask for again; returns how to stop. Every instance may do it: they delete the same rows. */
export function sweepOldAnswers(transactor: RoomTransactor, logger: Logger): () => void {
  const timer = setInterval(() => {
    transactor.deleteOldCommandResults(KEEP_MS).catch((error: unknown) => {
      logError(logger, error, 'Old command results were not deleted');
    });
  }, EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
