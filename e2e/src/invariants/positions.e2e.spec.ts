import { expect, test } from '@jest/globals';
import { RoomLog, SteadyWriter } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUser } from '../users.js';
import { roomsOfBothOwners } from './writing-rooms.js';

test('a reader that polls for later positions misses none, while two owners write', async () => {
  const log = await RoomLog.connect(sharedCluster().databaseUrl);
  const alice = await newUser('alice');
  const roomIds = await roomsOfBothOwners(alice, log);
  const all = await log.positionsAfter(0);
  const from = all.at(-1) ?? 0;

  const writer = new SteadyWriter(alice, [...roomIds, ...roomIds], 0);
  const seen: number[] = [];
  const written = new AbortController();
  const reading = (async () => {
    while (!written.signal.aborted) seen.push(...(await log.positionsAfter(seen.at(-1) ?? from)));
  })();
  await writer.writes(100, 60_000);
  await writer.stop();
  written.abort();
  await reading;
  seen.push(...(await log.positionsAfter(seen.at(-1) ?? from)));

  expect(seen).toEqual(await log.positionsAfter(from));
  expect(seen.length).toBeGreaterThan(roomIds.length * 100);
  await log.close();
});
