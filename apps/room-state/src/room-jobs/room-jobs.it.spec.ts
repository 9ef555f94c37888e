import { randomUUID } from 'node:crypto';
import { partitionOf } from '@atoll/contract';
import {
  RoomActorReader,
  RoomBlockTransactor,
  RoomDeletionReader,
  RoomJobReader,
  RoomJobRequestTransactor,
  RoomJobTransactor,
  RoomReader,
  RoomTransactor,
} from '@atoll/database';
import type { RoomId, ServerName } from '@atoll/matrix';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { EVE, HS2, RemoteServer } from '../remote-server.spec-support.js';
import { RoomRegistry } from '../room-actor/room-registry.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { RoomJobRunner } from './room-job-runner.js';
import { roomOf, runUntil } from './room-jobs.spec-support.js';

const VERSION = '11';
const PARTITIONS = 8;
const DELETE = { block: false, purge: true, force: false, purgeAfterMs: 0 };

let service: TestRoomState;
let runner: RoomJobRunner;
let requests: RoomJobRequestTransactor;
beforeAll(async () => {
  service = await startTestRoomState();
  runner = service.module.get(RoomJobRunner);
  requests = new RoomJobRequestTransactor(service.database);
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => service.stop());

const purgeAll = { beforePosition: null, beforeTs: 1, deleteLocalEvents: false };
const set = (jobId: number, values: string) =>
  service.database.pool.query(`UPDATE room_jobs SET ${values} WHERE job_id = $1`, [jobId]);
const byId = async (jobId: number) => new RoomJobReader(service.database).byId(jobId);
const unblock = (roomId: RoomId) => new RoomBlockTransactor(service.database).unblock(roomId);
const block = (roomId: RoomId, isLasting: boolean) =>
  service.database.pool.query('INSERT INTO room_blocks VALUES ($1, $2, 1)', [roomId, isLasting]);

/** What every event of the timeline names as its predecessors, and the ids of the events before. */
async function chainOf(roomId: RoomId) {
  const { rows } = await service.database.pool.query<{ event_id: string; prev: string[] }>(
    `SELECT event_id, json::jsonb -> 'prev_events' AS prev FROM event_positions JOIN events USING (event_nid)
     JOIN rooms ON rooms.room_nid = events.room_nid WHERE room_id = $1 ORDER BY position`,
    [roomId],
  );
  const before = rows.map((_, index) => rows.slice(0, index).slice(-1));
  return {
    prev: rows.map(({ prev }) => prev),
    expected: before.map((events) => events.map(({ event_id }) => event_id)),
  };
}

describe('a job that fails', () => {
  it.each(['purge-history', 'delete-room'] as const)(
    'leaves what is on its way to the database in memory (%s)',
    async (kind) => {
      const roomId = await service.createRoom({ preset: 'public_chat' });
      const registry = service.module.get(RoomRegistry);
      const transactor = service.module.get(RoomTransactor);
      const [reached, passes] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
      const real = transactor.commit.bind(transactor);
      jest.spyOn(transactor, 'commit').mockImplementationOnce(async (batch) => {
        reached.resolve(undefined);
        await passes.promise;
        return real(batch);
      });
      // As many as the room takes at once: the job gets no turn.
      const all = Array.from({ length: 520 }, (_, n) => service.message(roomId, ALICE, `${n}`));
      const sent = Promise.allSettled(all);
      await reached.promise;
      const actor = await registry.acquire(roomId);
      const room = await roomOf(service, roomId);
      const jobId =
        kind === 'delete-room'
          ? await requests.deleteRoom(room, DELETE)
          : await requests.purgeHistory(room, purgeAll);
      await runUntil(service, runner, jobId, ({ attempts }) => attempts > 0);
      expect(actor?.dropped).toBe(false);
      await requests.cancel(jobId);
      passes.resolve(undefined);
      const results = await sent;
      expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(500);
      if (actor) registry.release(actor);
      const { prev, expected } = await chainOf(roomId);
      expect(prev).toEqual(expected);
    },
    60_000,
  );

  it('has failed for good when the room is another, which goes on', async () => {
    const roomId = await service.createRoom();
    const room = await roomOf(service, roomId);
    const jobId = await requests.purgeHistory({ ...room, roomNid: 1_000_000 }, purgeAll);
    const job = await runUntil(service, runner, jobId);
    expect(job).toMatchObject({ status: 'failed', error: 'the room was deleted meanwhile' });
    await service.message(roomId, ALICE, 'goes on');
  });
});

describe('the deletion of a room', () => {
  it('waits until the senders of the servers in the room have routed it', async () => {
    const remote = new RemoteServer(service);
    await remote.publishKey();
    const roomId = await service.createRoom({ preset: 'public_chat' }, VERSION);
    const join = { type: 'm.room.member', state_key: EVE, content: { membership: 'join' } };
    await remote.send(roomId, VERSION, join);
    const { roomNid } = await roomOf(service, roomId);
    const reader = new RoomDeletionReader(service.database, 'hs1' as ServerName, PARTITIONS);
    const partition = partitionOf(HS2, PARTITIONS);
    const route = (of: number, position: number) =>
      service.database.pool.query(
        `INSERT INTO sender_cursors VALUES ($1, $2) ON CONFLICT (partition) DO UPDATE SET position = $2`,
        [of, position],
      );
    expect(await reader.isDelivered(roomNid)).toBe(true);
    await route((partition + 1) % PARTITIONS, 1_000_000);
    expect(await reader.isDelivered(roomNid)).toBe(false);
    await route(partition, 1);
    expect(await reader.isDelivered(roomNid)).toBe(false);
    await route(partition, 1_000_000);
    expect(await reader.isDelivered(roomNid)).toBe(true);
    await service.database.pool.query('DELETE FROM sender_cursors');
  });

  it('is of the room that is known when it begins', async () => {
    const roomId = await service.createRoom();
    const room = await roomOf(service, roomId);
    const jobId = await requests.deleteRoom({ ...room, roomNid: null }, DELETE);
    const job = await runUntil(service, runner, jobId);
    expect(job).toMatchObject({ status: 'done', roomNid: room.roomNid, membersLeft: 1 });
    expect(await new RoomReader(service.database).byId(roomId)).toBeUndefined();
  });
});

describe('a blocked room', () => {
  it('is refused without being read again, until it is opened', async () => {
    const roomId = await service.createRoom({ preset: 'public_chat' });
    const jobId = await requests.deleteRoom(await roomOf(service, roomId), {
      ...DELETE,
      ...{ block: true, purge: false },
    });
    await runUntil(service, runner, jobId);
    const reads = jest.spyOn(service.module.get(RoomActorReader), 'loadRoom');
    const refused = () => expect(service.message(roomId, BOB, 'x')).rejects.toMatchObject({ status: 403 });
    for (let n = 0; n < 5; n += 1) await refused();
    expect(reads.mock.calls.length).toBeLessThanOrEqual(1);
    expect(await unblock(roomId)).toBe(true);
    reads.mockClear();
    await refused();
    expect(reads).toHaveBeenCalledTimes(1);
  });

  it('is opened unless a job of it is under way, or stopped where rows had begun to go', async () => {
    const roomId = await service.createRoom();
    const room = await roomOf(service, roomId);
    await block(roomId, true);
    const jobId = await requests.purgeHistory({ ...room, partition: -1 }, purgeAll);
    expect(await unblock(roomId)).toBe(false);
    await set(jobId, `status = 'failed', finished_ts = 1`);
    expect(await unblock(roomId)).toBe(true);
    await block(roomId, true);
    await set(jobId, `kind = 'delete-room', phase = 'leave'`);
    expect(await unblock(roomId)).toBe(true);
    await block(roomId, true);
    await set(jobId, `phase = 'purge'`);
    expect(await unblock(roomId)).toBe(false);
  });
});

describe('a job', () => {
  it('can be cancelled until rows of its room begin to go, which is then open again', async () => {
    const roomId = await service.createRoom({ preset: 'public_chat' });
    const room = await roomOf(service, roomId);
    const purge = await requests.purgeHistory({ ...room, partition: -1 }, purgeAll);
    expect(await requests.cancel(purge)).toBe(true);
    expect(await byId(purge)).toMatchObject({ status: 'cancelled', error: null });
    expect(await requests.cancel(purge)).toBe(false);
    const deletion = await requests.deleteRoom(room, { ...DELETE, purgeAfterMs: 3_600_000 });
    await runUntil(service, runner, deletion, ({ phase }) => phase === 'wait');
    const join = () => service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
    await expect(join()).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    expect(await requests.cancel(deletion)).toBe(true);
    expect((await new RoomReader(service.database).byId(roomId))?.roomNid).toBe(room.roomNid);
    expect(await unblock(roomId)).toBe(false);
    for (const phase of ['purge', 'finish']) {
      const other = { roomId: `!${randomUUID()}:hs2` as RoomId, roomNid: null, partition: -1 };
      const gone = await requests.deleteRoom(other, DELETE);
      await set(gone, `phase = '${phase}'`);
      expect(await requests.cancel(gone)).toBe(false);
    }
  });

  it('is forgotten when it has ended long ago, unless rows have still to go', async () => {
    const old = async (values: string) => {
      const other = { roomId: `!${randomUUID()}:hs2` as RoomId, roomNid: null, partition: -1 };
      const jobId = await requests.deleteRoom(other, DELETE);
      await set(jobId, values);
      return jobId;
    };
    const jobs = [
      await old(`status = 'done', finished_ts = 1`),
      await old(`status = 'failed', finished_ts = 1`),
      await old(`status = 'failed', phase = 'purge', finished_ts = 1`),
      await old(`status = 'done', finished_ts = ${Date.now()}`),
      await old('created_ts = 1'),
    ];
    await new RoomJobTransactor(service.database, 'any').deleteFinished(86_400_000, 1_000);
    const left = await Promise.all(jobs.map(async (jobId) => (await byId(jobId)) !== undefined));
    expect(left).toEqual([false, false, true, true, true]);
  });
});
