import { startClientApi } from '@atoll/client-api';
import type { Config } from '@atoll/config';
import { startFederationReceiver } from '@atoll/federation-receiver';
import { startFederationSender } from '@atoll/federation-sender';
import { openMedia } from '@atoll/media';
import { startPush } from '@atoll/push';
import { startRoomState } from '@atoll/room-state';
import type { RunningService } from '@atoll/telemetry';
import { startEmbeddedServers } from './embedded-servers.js';
import { migrate } from './migrate.js';
import { mediaPaths, shareListener } from './share-listener.js';

/**
 * Starts PostgreSQL and Redis unless the configuration names existing ones, migrates, then starts the services: what
 * clients talk to comes last. Closing goes the opposite way.
 */
export async function startAllInOne(given: Config): Promise<RunningService> {
  const servers = await startEmbeddedServers(given, (line) => process.stderr.write(`${line}\n`));
  const { config } = servers;
  await migrate(config);

  const running: RunningService[] = [];
  running.push(await startRoomState(config));
  running.push(await startFederationSender(config));
  running.push(await startPush(config));
  const media = await openMedia(config);
  running.push(media);
  running.push(await startFederationReceiver(config));
  const clientApi = await startClientApi(config);
  running.push(clientApi);
  shareListener(clientApi.server, media.server, mediaPaths());
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
