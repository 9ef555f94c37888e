import { loadConfigOrExit } from '@atoll/config';
import { createLogger, GracefulShutdown, HealthServer, logCrashes } from '@atoll/telemetry';
import { startEmbeddedServers } from './embedded-servers.js';
import { migrate } from './migrate.js';
import { services, type RunningService } from './services.js';
import { welcome } from './welcome.js';

const given = loadConfigOrExit();
const logger = createLogger('all-in-one', given.logLevel);
logCrashes(logger);
const shutdown = new GracefulShutdown({ logger });
shutdown.listen();

const health = new HealthServer({ host: given.host, port: given.metricsPort });
await health.listen();
shutdown.onShutdown('telemetry', 'health', () => health.close());

const servers = await startEmbeddedServers(given, (line) => {
  logger.info(line);
});
shutdown.onShutdown('connections', 'embedded servers', () => servers.stop());
await migrate(servers.config);

const running: RunningService[] = [];
shutdown.onShutdown('drain', 'readiness', () => {
  health.setReady(false);
});
shutdown.onShutdown('work', 'services', async () => {
  for (const service of running.splice(0).reverse()) await service.close();
});
for (const start of services) {
  const service = await start(servers.config);
  running.push(service);
  health.addCheck(service.name, () => service.check());
}
health.setReady(true);
process.stdout.write(welcome(servers.config));
