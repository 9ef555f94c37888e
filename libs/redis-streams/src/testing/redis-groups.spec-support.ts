import { ensureRedisServer, freePort } from '@atoll/embedded';
import { Redis } from 'ioredis';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Several Redis processes that act as one, under one URL. */
export interface RedisGroup {
  readonly url: string;
  stop(): Promise<void>;
}

/** Two masters that share the slots of a Cluster, without a password. */
export async function startCluster(): Promise<RedisGroup> {
  // By default the port of the cluster's own bus lies 10,000 higher, where there may be none.
  const busPorts = [await freePort(), await freePort()];
  const group = await startProcesses(2, (port, index) => [
    `port ${port}`,
    'cluster-enabled yes',
    `cluster-config-file nodes-${port}.conf`,
    `cluster-port ${busPorts[index] ?? 0}`,
    'save ""',
  ]);
  const [first, second] = group.ports.map((port) => new Redis(port, '127.0.0.1'));
  if (!first || !second) throw new Error('A cluster of the specs has two nodes');
  await first.call('CLUSTER', 'ADDSLOTSRANGE', 0, 8191);
  await second.call('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383);
  await first.call('CLUSTER', 'MEET', '127.0.0.1', group.ports[1] ?? 0, busPorts[1] ?? 0);
  for (const node of [first, second]) {
    while (!(await clusterIsComplete(node))) await new Promise((resolve) => setTimeout(resolve, 50));
    node.disconnect();
  }
  return {
    url: `redis-cluster://${group.ports.map((port) => `127.0.0.1:${port}`).join(',')}`,
    stop: () => group.stop(),
  };
}

/** A master with one Sentinel, without a password. */
export async function startSentinel(): Promise<RedisGroup> {
  const master = await startProcesses(1, (port) => [`port ${port}`, 'save ""']);
  const sentinel = await startProcesses(
    1,
    (port) => [`port ${port}`, `sentinel monitor main 127.0.0.1 ${master.ports[0] ?? 0} 1`],
    ['--sentinel'],
  );
  return {
    url: `redis-sentinel://127.0.0.1:${sentinel.ports[0] ?? 0}/main`,
    async stop() {
      await sentinel.stop();
      await master.stop();
    },
  };
}

async function clusterIsComplete(node: Redis): Promise<boolean> {
  const info = String(await node.call('CLUSTER', 'INFO'));
  return info.includes('cluster_state:ok') && info.includes('cluster_slots_assigned:16384');
}

async function startProcesses(
  count: number,
  configure: (port: number, index: number) => string[],
  args: string[] = [],
) {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-test-redis-group-'));
  const ports: number[] = [];
  const processes: ChildProcess[] = [];
  for (let index = 0; index < count; index += 1) {
    const port = await freePort();
    const file = join(folder, `${port}.conf`);
    const lines = [...configure(port, index), 'bind 127.0.0.1', 'protected-mode no', `dir ${folder}`];
    await writeFile(file, lines.join('\n'));
    processes.push(spawn(ensureRedisServer(), [file, ...args], { stdio: 'ignore' }));
    ports.push(port);
    await answers(port);
  }
  return {
    ports,
    async stop() {
      for (const process of processes) {
        process.kill('SIGKILL');
        await once(process, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when the server takes commands. */
async function answers(port: number): Promise<void> {
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  await redis.ping();
  redis.disconnect();
}
