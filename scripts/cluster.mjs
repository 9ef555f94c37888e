// `npm run cluster`: the six services as separate processes behind a local router.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { importBuilt, prepare, say } from './prepare.mjs';

await prepare('apps/all-in-one', 'apps/ctl', 'libs/testing');
const { startPostgres, startRedis } = await importBuilt('libs/embedded');
const { startCluster } = await importBuilt('libs/testing');

const { env } = process;
const dataDir = resolve(env.ATOLL_DATA_DIR ?? 'data', 'cluster');
mkdirSync(dataDir, { recursive: true });
const stops = [];
let stopping = false;
async function stop(status) {
  if (stopping) return;
  stopping = true;
  say('stopping');
  for (const step of stops.reverse()) await step().catch((error) => say(error.message));
  process.exit(status);
}
process.on('SIGINT', () => void stop(0));
process.on('SIGTERM', () => void stop(0));

try {
  const databaseUrl = env.ATOLL_DATABASE_URL ?? (await ownPostgres());
  const redisUrl = env.ATOLL_REDIS_URL ?? (await ownRedis());
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('ATOLL_')));
  const cluster = await startCluster({
    serverName: env.ATOLL_SERVER_NAME ?? 'localhost',
    databaseUrl,
    redisUrl,
    dataDir,
    clientPort: Number(env.ATOLL_CLIENT_PORT ?? 8008),
    federationPort: Number(env.ATOLL_FEDERATION_PORT ?? 8448),
    env: { ...own, ATOLL_DATABASE_URL: databaseUrl, ATOLL_REDIS_URL: redisUrl, ATOLL_DATA_DIR: dataDir },
  });
  stops.push(() => cluster.stop());
  say(
    `clients: ${cluster.clientUrl}   federation: ${cluster.federationUrl}   logs: ${join(dataDir, 'logs')}`,
  );
  for (const service of [
    'client-api',
    'room-state',
    'federation-sender',
    'federation-receiver',
    'media',
    'push',
  ]) {
    for (const one of cluster.instances(service)) say(`${one.instanceId}: pid ${one.pid}, ${one.metricsUrl}`);
  }
  say('Ctrl-C stops everything');
} catch (error) {
  say(error.message);
  await stop(1);
}

async function ownPostgres() {
  const server = await startPostgres({ dataDir: join(dataDir, 'postgres'), persistent: true });
  stops.push(() => server.stop());
  return server.createDatabase('atoll');
}

async function ownRedis() {
  const server = await startRedis({ dataDir: join(dataDir, 'redis'), say });
  stops.push(() => server.stop());
  return server.url;
}
