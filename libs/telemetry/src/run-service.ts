import type { Config } from '@atoll/config';
import { GracefulShutdown } from './graceful-shutdown.js';
import { HealthServer } from './health-server.js';
import { logCrashes } from './log-error.js';
import { createLogger } from './logger.js';

/** A service while it serves. */
export interface RunningService {
  readonly name: string;
  /** Throws when the service cannot do its work just now. */
  check(): Promise<void>;
  /** Ends without failing a request: no new work is accepted, that under way finishes, connections close. */
  close(): Promise<void>;
}

/** A service as a process of its own: health server, signals, orderly stop. Resolves when it serves. */
export async function runService<Service extends RunningService>(
  config: Config,
  name: string,
  start: (config: Config) => Promise<Service>,
): Promise<Service> {
  const logger = createLogger(name, config.logLevel);
  logCrashes(logger);
  const shutdown = new GracefulShutdown({ logger });
  shutdown.listen();
  const health = new HealthServer({ host: config.host, port: config.metricsPort });
  await health.listen();
  shutdown.onShutdown('telemetry', 'health', () => health.close());
  const service = await start(config);
  shutdown.onShutdown('drain', 'readiness', () => {
    health.setReady(false);
  });
  shutdown.onShutdown('work', name, () => service.close());
  health.addCheck(name, () => service.check());
  health.setReady(true);
  logger.info('Serving');
  return service;
}
