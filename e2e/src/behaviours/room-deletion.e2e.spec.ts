import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openDatabase, type RoomJob, RoomJobReader } from '@atoll/database';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { appArguments, path, query, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { listOf, SlidingClient } from '../sliding-client.js';
import { newUsers, outcome, texts } from '../users.js';

const { serverName, databaseUrl, redisUrl } = sharedCluster();
const LIMIT_MS = 30_000;
jest.setTimeout(3 * LIMIT_MS);
const database = openDatabase({ url: databaseUrl, poolSize: 1, applicationName: 'room-deletion-spec' });
afterAll(() => database.close());
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

/** The command line of operators. */
async function ctl(...args: string[]): Promise<string> {
  const env = {
    ...{ PATH: process.env['PATH'], ATOLL_SERVER_NAME: serverName },
    ...{ ATOLL_DATABASE_URL: databaseUrl, ATOLL_REDIS_URL: redisUrl },
  };
  return (await promisify(execFile)(process.execPath, appArguments('ctl', ...args), { env })).stdout;
}

/** @returns the number of the job that the command asked for */
async function ask(...args: string[]): Promise<number> {
  const [, job] = /^job (\d+) /.exec(await ctl(...args)) ?? [];
  return Number(job);
}

async function until(jobId: number, isThere: (job: RoomJob) => boolean): Promise<RoomJob> {
  const reader = new RoomJobReader(database);
  for (const deadline = Date.now() + LIMIT_MS; Date.now() < deadline;) {
    const job = await reader.byId(jobId);
    if (job && isThere(job)) return job;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`job ${jobId} did not come there`);
}
const isFinished = ({ finishedTs }: RoomJob) => finishedTs !== null;

describe('operators', () => {
  test('delete a room: its members see that they have left, and then nobody finds it', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat', room_alias_name: `gone-${Date.now()}` });
    await bob.join(roomId);
    await alice.send(roomId, 'soon gone');
    const [follower, old] = [await bob.follow(), await alice.follow()];
    const sliding = new SlidingClient(alice);
    const before = await sliding.next({ lists: listOf({ ranges: [[0, 9]] }) });
    expect(before.rooms[roomId]).toBeDefined();
    const left = follower.until('leave', (answer) => answer.rooms?.leave?.[roomId] !== undefined, LIMIT_MS);
    const deletion = await ask('rooms', 'delete', roomId, '--block');
    const section = (await left).rooms?.leave?.[roomId];
    const own = section?.timeline.events.find(({ state_key }) => state_key === bob.userId);
    expect(own?.content['membership']).toBe('leave');
    // Clients that are slow have a minute to see it, for which nobody has to wait here.
    await until(deletion, ({ phase }) => phase === 'wait');
    await database.pool.query('UPDATE room_jobs SET next_try_ts = 0 WHERE job_id = $1', [deletion]);
    expect(await until(deletion, isFinished)).toMatchObject({ status: 'done', membersLeft: 2, error: null });

    for (const user of [alice, bob]) {
      expect(outcome(await user.request('POST', path`/v3/join/${roomId}`, {}))).toBe('403 M_FORBIDDEN');
      expect((await user.sync()).rooms?.join?.[roomId]).toBeUndefined();
    }
    const messages = path`/v3/rooms/${roomId}/messages` + query({ dir: 'b' });
    expect((await alice.request('GET', messages)).status).toBe(403);
    // Tokens from before still lead on.
    expect((await old.next()).rooms?.join?.[roomId]).toBeUndefined();
    const after = await sliding.next({ lists: listOf({ ranges: [[0, 9]] }) });
    expect(after.lists['all']?.count).toBe((before.lists['all']?.count ?? 0) - 1);
    const still = await alice.createRoom({ preset: 'public_chat' });
    await bob.join(still);
    const eventId = await alice.send(still, 'still here');
    await follower.untilEvent(still, eventId);
    expect((await sliding.next({ lists: listOf({ ranges: [[0, 9]] }) })).rooms[still]).toBeDefined();
  });

  test('purge the history of a room, which then begins later and goes on', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.join(roomId);
    const first = await alice.send(roomId, 'first');
    await bob.send(roomId, 'second');
    const point = await alice.send(roomId, 'third');
    await bob.send(roomId, 'fourth');
    const { next_batch } = await bob.sync();
    const args = ['rooms', 'purge-history', roomId, '--before', point, '--delete-local-events'];
    expect(await until(await ask(...args), isFinished)).toMatchObject({ status: 'done', eventsPurged: 2 });
    expect(texts(await bob.history(roomId, 2))).toEqual(['fourth', 'third']);
    expect((await bob.request('GET', path`/v3/rooms/${roomId}/event/${first}`)).status).toBe(404);
    expect((await bob.request('GET', path`/v3/rooms/${roomId}/context/${point}`)).status).toBe(200);
    const members = await bob.expect('GET', path`/v3/rooms/${roomId}/joined_members`);
    expect(Object.keys(members['joined'] as object)).toHaveLength(2);
    const fifth = await alice.send(roomId, 'fifth');
    const follower = await bob.follow(next_batch);
    await follower.untilEvent(roomId, fifth);
    expect(texts((await bob.sync()).rooms?.join?.[roomId]?.timeline.events)).toEqual([
      'third',
      'fourth',
      'fifth',
    ]);
  });
});
