import type { Config } from '@atoll/config';
import type { RunningService } from '@atoll/telemetry';
import { startEmbeddedServers } from './embedded-servers.js';
import { migrate } from './migrate.js';
import { services } from './services.js';

/**
 * Starts PostgreSQL and Redis unless the configuration names existing ones, migrates, then starts the services.
 * Closing goes the opposite way.
 */
export async function startAllInOne(config: Config): Promise<RunningService> {
  const servers = await startEmbeddedServers(config, (line) => process.stderr.write(`${line}\n`));
  await migrate(servers.config);
  const running: RunningService[] = [];
  for (const start of services) running.push(await start(servers.config));
  return {
    name: 'all-in-one',
    async check() {
      await Promise.all(running.map((service) => service.check()));
    },
    async close() {
      for (const service of running.reverse()) await service.close();
      await servers.stop();
    },
  };
}
