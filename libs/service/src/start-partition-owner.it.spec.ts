import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '@atoll/config';
import { type Database, migrateToLatest, openDatabase, PartitionReader } from '@atoll/database';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import { HealthServer, type RunningService } from '@atoll/telemetry';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request } from 'undici';
import { startPartitionOwner } from './start-partition-owner.js';

const PARTITIONS = 8;
const PATIENCE_MS = 10_000;

describe.each(['push', 'federation-sender'] as const)('the service %s, which owns partitions', (kind) => {
  let pg: TestDatabase;
  let database: Database;
  let health: HealthServer;
  let metricsPort: number;
  const running = new Set<RunningService>();

  beforeAll(async () => {
    pg = await testDatabase();
    database = openDatabase({ url: pg.url, poolSize: 2, applicationName: `${kind}-spec` });
    await migrateToLatest(database.db);
    health = new HealthServer({ host: '127.0.0.1', port: 0 });
    metricsPort = await health.listen();
  });
  afterAll(async () => {
    for (const service of running) await service.close();
    await health.close();
    await database.close();
    await pg.drop();
  });

  async function start(instanceId: string): Promise<RunningService> {
    const service = await startPartitionOwner(
      loadConfig({
        ATOLL_SERVER_NAME: 'hs1',
        ATOLL_DATABASE_URL: pg.url,
        ATOLL_REDIS_URL: 'redis://unused',
        ATOLL_PARTITIONS: String(PARTITIONS),
        ATOLL_INSTANCE_ID: instanceId,
        ATOLL_LOG_LEVEL: 'silent',
      }),
      kind,
    );
    running.add(service);
    return service;
  }
  async function stop(service: RunningService): Promise<void> {
    running.delete(service);
    await service.close();
  }

  /** How many partitions each owner has; null for nobody. */
  async function shares(): Promise<[string | null, number][]> {
    const rows = await new PartitionReader(database).owners();
    return rows.filter((row) => row.kind === kind).map((row) => [row.owner, row.partitions.length]);
  }
  async function sharesWhen(fits: (found: [string | null, number][]) => boolean) {
    const deadline = Date.now() + PATIENCE_MS;
    let found = await shares();
    while (!fits(found) && Date.now() < deadline) {
      await sleep(50);
      found = await shares();
    }
    return found;
  }
  async function metric(name: string): Promise<string | undefined> {
    const { body } = await request(`http://127.0.0.1:${metricsPort}/metrics`);
    return (await body.text()).split('\n').find((line) => line.startsWith(`${name}{kind="${kind}"`));
  }

  it('owns every partition when it is alone, says so, and shares them with a second instance', async () => {
    const first = await start('1');
    await expect(first.check()).resolves.toBeUndefined();
    expect(await shares()).toEqual([[`${kind}-1`, PARTITIONS]]);
    expect(await metric('atoll_partitions_owned')).toMatch(/ 8$/);

    const second = await start('2');
    const both = await sharesWhen((found) => found.length === 2 && found.every(([owner]) => owner !== null));
    expect(both.map(([owner]) => owner)).toEqual([`${kind}-1`, `${kind}-2`]);

    await stop(first);
    expect(await sharesWhen((found) => found.length === 1 && found[0]?.[1] === PARTITIONS)).toEqual([
      [`${kind}-2`, PARTITIONS],
    ]);
    await stop(second);
  });

  it('gives every partition up when it stops', async () => {
    await stop(await start('3'));
    expect(await shares()).toEqual([[null, PARTITIONS]]);
    expect(await metric('atoll_partitions_owned')).toBeUndefined();
  });
});
