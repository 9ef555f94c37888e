import { loadConfigOrExit } from '@atoll/config';
import { createLogger, GracefulShutdown, HealthServer, logCrashes } from '@atoll/telemetry';
import { startClientApi } from './client-api.module.js';

const config = loadConfigOrExit();
const logger = createLogger('client-api', config.logLevel);
logCrashes(logger);
const shutdown = new GracefulShutdown({ logger });
shutdown.listen();

const health = new HealthServer({ host: config.host, port: config.metricsPort });
await health.listen();
shutdown.onShutdown('telemetry', 'health', () => health.close());

const service = await startClientApi(config);
shutdown.onShutdown('drain', 'readiness', () => {
  health.setReady(false);
});
shutdown.onShutdown('work', service.name, () => service.close());
health.addCheck('database', () => service.check());
health.setReady(true);
logger.info({ port: service.port }, 'Serving the client-server API');
