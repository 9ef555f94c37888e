import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  RoomLog,
  SteadyWriter,
  register,
  type Cluster,
  type ServiceProcess,
  type TestUser,
} from '@atoll/testing';
import { expectNothingLost } from './expect-nothing-lost.js';
import { startSmallCluster } from './small-cluster.js';
import { ownerOf, roomsOfBothOwners } from './writing-rooms.js';

const longestGapMs = 10_000;

let cluster: Cluster;
let log: RoomLog;
let alice: TestUser;
let roomIds: string[];
beforeAll(async () => {
  cluster = await startSmallCluster();
  log = await RoomLog.connect(cluster.databaseUrl);
  alice = await register(cluster.clientUrl, 'alice');
});
afterAll(async () => {
  await log.close();
  await cluster.stop();
});

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within 15 s: ${what}`);
    await sleep(20);
  }
}

/** How often an instance refused a command, or PostgreSQL its commit, because the room was not its own any more, or its time was over. */
async function refusals(instance: ServiceProcess): Promise<number> {
  const metrics = await (await fetch(instance.metricsUrl)).text();
  const counted = /^atoll_(?:command_not_owner|command_expired|fenced_commits)_total\{.*\} (\d+)$/gm;
  return [...metrics.matchAll(counted)].reduce((sum, [, count]) => sum + Number(count), 0);
}

describe('an owner that', () => {
  test('is killed: writes resume within 10 s, and nothing acknowledged is lost or doubled', async () => {
    roomIds = await roomsOfBothOwners(alice, log);
    const writer = new SteadyWriter(alice, roomIds, 5);
    await writer.writes(20);
    const owner = await ownerOf(cluster, log, roomIds[0] ?? '');
    await owner.kill('SIGKILL');
    await writer.writes(20);
    expect(writer.worstGap.ms).toBeLessThan(longestGapMs);

    await owner.start();
    await writer.writes(20);
    const acknowledged = await writer.stop();
    expect(writer.failures).toEqual([]);
    await expectNothingLost(alice, log, acknowledged);
  });

  test('is frozen in the middle of a commit, longer than its lease: what it had in hand is refused', async () => {
    roomIds = await roomsOfBothOwners(alice, log);
    const writer = new SteadyWriter(alice, roomIds, 0);
    await writer.writes(20);
    const [roomId = ''] = roomIds;
    const owner = await ownerOf(cluster, log, roomId);
    const name = (await log.owner(roomId)) ?? '';
    const refusedBefore = await refusals(owner);
    await log.holdingPositions(async () => {
      await until('a commit that waits', () => log.waitsForPositions(name));
      await owner.kill('SIGSTOP');
    });
    await until('another owner', async () => (await log.owner(roomId)) !== name);
    await writer.writes(20);
    expect(writer.worstGap.ms).toBeLessThan(longestGapMs);

    await owner.kill('SIGCONT');
    await writer.writes(100);
    await until('the refusal of what it had in hand', async () => (await refusals(owner)) > refusedBefore);
    const acknowledged = await writer.stop();
    expect(writer.failures).toEqual([]);
    await expectNothingLost(alice, log, acknowledged);
  });
});

test('a client-api that is killed: clients repeat what broke, and nothing is doubled', async () => {
  const writer = new SteadyWriter(alice, roomIds.slice(0, 4), 0);
  await writer.writes(20);
  for (const instance of cluster.instances('client-api')) {
    await instance.kill('SIGKILL');
    await writer.writes(20);
    await instance.start();
  }
  await writer.writes(20);
  const acknowledged = await writer.stop();
  expect(writer.failures.filter((failure) => !failure.startsWith('502 '))).toEqual([]);
  for (const roomId of new Set(acknowledged.map((one) => one.roomId))) {
    const sent = acknowledged.filter((one) => one.roomId === roomId);
    const stored = (await log.events(roomId)).map((event) => event.content['body']);
    expect(stored.slice(-sent.length)).toEqual(sent.map((one) => one.text));
  }
});
