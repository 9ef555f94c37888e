import type { Logger } from './logger.js';

const logged = new WeakSet<Error>();

/** Logs an error that nobody will handle further, once: an error that passes several handlers gives one line. */
export function logError(logger: Logger, error: unknown, message: string): void {
  if (error instanceof Error) {
    if (logged.has(error)) return;
    logged.add(error);
  }
  logger.error({ err: error }, message);
}

/** Logs what would end the process unseen, then ends it. */
export function logCrashes(logger: Logger): void {
  const crash = (error: unknown) => {
    logger.fatal({ err: error }, 'The process ends after an error that nothing handled');
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
}
