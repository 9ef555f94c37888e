import { randomUUID } from 'node:crypto';
import { ReceiveInvite } from '@atoll/contract';
import {
  currentPositions,
  type DeleteRoomArguments,
  RoomBlockTransactor,
  RoomIsBusy,
  RoomJobRequestTransactor,
  RoomReader,
  RoomTransactor,
} from '@atoll/database';
import type { FederationClient } from '@atoll/federation-client';
import type { EventId, RoomId, ServerName, UserId } from '@atoll/matrix';
import { CommandContext } from '@atoll/redis-streams';
import { type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ReceiveInviteHandler } from '../receive-invite/receive-invite.handler.js';
import { EVE, HS2, RemoteServer } from '../remote-server.spec-support.js';
import { UnjoinedRooms } from '../remote-rooms/unjoined-rooms.js';
import { LargeRoom } from '../remote-rooms/large-room.spec-support.js';
import { RoomRegistry } from '../room-actor/room-registry.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { RoomJobRunner } from './room-job-runner.js';
import { anotherInstance, remains, roomOf, runUntil, signInviteOf } from './room-jobs.spec-support.js';

const CAROL = '@carol:hs1' as UserId;
const VERSION = '11';
/** Rows that tokens are made from. */
const NEWEST = { 'event_positions.room_nid': 1, 'event_positions.event_nid': 1 };

let service: TestRoomState;
let remote: RemoteServer;
let asked = 0;
beforeAll(async () => {
  const send: FederationClient['send'] = () => {
    asked += 1;
    return Promise.resolve({ outcome: 'refused', status: 403, errcode: 'M_FORBIDDEN', body: {} });
  };
  service = await startTestRoomState({ federation: { send } });
  remote = new RemoteServer(service);
  await remote.publishKey();
});
afterAll(() => service.stop());

/** Joined by two local users and one of another server; a third local one is invited. */
async function room(): Promise<RoomId> {
  const alias = { alias: `#${randomUUID()}:hs1` as never, inDirectory: true };
  const roomId = await service.createRoom(
    { preset: 'public_chat', ...alias, powerLevelContentOverride: { users: { [ALICE]: 100, [EVE]: 100 } } },
    VERSION,
  );
  await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
  await service.membership({ roomId, sender: ALICE, target: CAROL, action: 'invite' });
  const join = { type: 'm.room.member', state_key: EVE, content: { membership: 'join' } };
  await remote.send(roomId, VERSION, join);
  return roomId;
}

async function request(roomId: RoomId, args: Partial<DeleteRoomArguments> = {}): Promise<number> {
  const defaults = { block: false, purge: true, force: false, purgeAfterMs: 0 };
  const jobs = new RoomJobRequestTransactor(service.database);
  return jobs.deleteRoom(await roomOf(service, roomId), { ...defaults, ...args });
}

async function remove(roomId: RoomId, args: Partial<DeleteRoomArguments> = {}) {
  return runUntil(service, service.module.get(RoomJobRunner), await request(roomId, args));
}

/** Rows in all the tables that a room may have rows in. */
async function fill(roomId: RoomId): Promise<void> {
  const { roomNid: nid, partition } = await roomOf(service, roomId);
  const { eventId } = await service.message(roomId, ALICE, 'root');
  await service.send({
    ...{ roomId, sender: BOB, type: 'm.room.message' },
    transaction: { deviceId: 'D', scope: '/send', id: randomUUID() },
    content: { 'm.relates_to': { rel_type: 'm.thread', event_id: eventId } },
  });
  await service.send({
    roomId,
    sender: ALICE,
    type: 'm.room.redaction',
    redacts: eventId,
    content: {},
  });
  const { eventId: head } = await service.message(roomId, ALICE, 'head');
  const fork = { type: 'm.room.message', content: { body: 'fork' }, prev: [eventId] };
  await remote.send(roomId, VERSION, fork);
  const { event_nid } = await service.database.db
    .selectFrom('events')
    .select('event_nid')
    .where('event_id', '=', head)
    .executeTakeFirstOrThrow();
  await service.accountData(BOB, 'of.no.room', {});
  for (const statement of [
    `INSERT INTO account_data VALUES ('${BOB}', '${roomId}', 'm.tag', '{}', 0)`,
    `INSERT INTO receipts VALUES (${nid}, '${BOB}', 'm.read', '', '$x', NULL, 0, 1), (0, '${BOB}', 'm.read', '', '$x', NULL, 0, 2)`,
    `INSERT INTO typing VALUES (${nid}, '{}', NULL, 1), (0, '{}', NULL, 2)`,
    `INSERT INTO event_search VALUES (${event_nid}, ${nid}, 1, 1, 1, false, '')`,
    `INSERT INTO directory_rooms VALUES (${nid}, true, false, NULL)`,
    `INSERT INTO state_resets (room_nid, cause_event_nid, changes) VALUES (${nid}, ${event_nid}, '[]')`,
    `INSERT INTO destinations VALUES ('hs2', 0, 0, 1, NULL, NULL)`,
    `INSERT INTO destination_rooms VALUES ('hs2', ${nid}, 1)`,
    `INSERT INTO backward_extremities VALUES (${nid}, '$missing', 1)`,
    `INSERT INTO pending_redactions VALUES (${event_nid}, ${nid}, '$later', NULL)`,
    `INSERT INTO stripped_states VALUES (${event_nid}, '[]')`,
    `INSERT INTO forwarded_events VALUES (${event_nid})`,
    `INSERT INTO staged_pdus (room_id, partition, event_id, origin, json, received_ts, retry_at)
       VALUES ('${roomId}', ${partition}, '$staged', 'hs2', '{}', 0, 9999999999999)`,
  ]) {
    await service.database.pool.query(statement);
  }
}

describe('the deletion of a room', () => {
  it('makes local users leave, then leaves no row of the room', async () => {
    const roomId = await room();
    await fill(roomId);
    const { roomNid, partition } = await roomOf(service, roomId);
    const full = await remains(service, roomNid);
    for (const table of [
      'receipts',
      'typing',
      'threads',
      'event_search',
      'destination_rooms',
      'event_relations',
    ])
      expect(full).toHaveProperty([`${table}.room_nid`], 1);
    const jobId = await request(roomId, { purgeAfterMs: 3_600_000 });
    const runner = service.module.get(RoomJobRunner);
    // It is closed, everybody has left, nothing leads to it, and clients may still hear of that.
    const waiting = await runUntil(service, runner, jobId, ({ phase }) => phase === 'wait');
    expect(waiting).toMatchObject({ status: 'running', membersLeft: 3 });
    const members = await service.database.pool.query<{ state_key: string; membership: string }>(
      `SELECT state_key, membership FROM memberships JOIN state_keys ON state_key_nid = user_nid WHERE room_nid = $1 ORDER BY 1`,
      [roomNid],
    );
    expect(members.rows.map(({ state_key, membership }) => [state_key, membership])).toEqual([
      [ALICE, 'leave'],
      [BOB, 'leave'],
      [CAROL, 'leave'],
      [EVE, 'join'],
    ]);
    await expect(
      service.membership({ roomId, sender: BOB, target: BOB, action: 'join' }),
    ).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    expect((await roomOf(service, roomId)).inDirectory).toBe(false);
    await expect(request(roomId)).rejects.toThrow(RoomIsBusy);

    await service.database.pool.query('UPDATE room_jobs SET next_try_ts = 0 WHERE job_id = $1', [jobId]);
    const before = await currentPositions(service.database.db);
    const job = await runUntil(service, runner, jobId);
    expect(job).toMatchObject({ status: 'done', error: null });
    expect(job.rowsPurged).toBeGreaterThan(30);
    expect(await remains(service, roomNid)).toEqual(NEWEST);
    expect(await currentPositions(service.database.db)).toEqual(before);
    const { rows } = await service.database.pool.query(
      `SELECT room_id FROM account_data WHERE room_id = $1 UNION SELECT room_id FROM staged_pdus WHERE room_id = $1
       UNION SELECT room_id FROM room_blocks UNION SELECT 'alias' FROM room_aliases`,
      [roomId],
    );
    expect(rows).toEqual([]);

    await expect(service.message(roomId, ALICE, 'too late')).rejects.toMatchObject({ status: 403 });
    expect(await service.accept({ roomId, pdus: ['{}'] })).toMatchObject({
      results: [{ outcome: 'refused', reason: 'unknown room' }],
    });
    // Whoever still had the room in memory is refused by the database.
    const transactor = new RoomTransactor(service.database, 'room-state-test');
    const head = { roomNid, extremities: [], depth: 1 };
    const event = {
      eventNid: 1,
      eventId: '$late' as EventId,
      roomNid,
      typeNid: 6,
      stateKeyNid: null,
      senderNid: 100,
    };
    const commit = transactor.commit({
      fences: [{ partition, epoch: 1 }],
      newRooms: [],
      heads: [head],
      commandResults: [],
      events: [
        {
          ...{
            ...event,
            depth: 1,
            originServerTs: 0,
            status: 0,
            problem: null,
            json: '{}',
            inTimeline: true,
          },
          ...{ stateChanges: [], membershipChanges: [] },
        },
      ],
    });
    await expect(commit).rejects.toMatchObject({ code: '23503', constraint: 'room_heads_room' });
  });

  it('is taken up by the next owner where the one before lost the room', async () => {
    const roomId = await room();
    for (let n = 0; n < 60; n += 1)
      await Promise.all(Array.from({ length: 20 }, () => service.message(roomId, ALICE, 'many')));
    const { roomNid, partition } = await roomOf(service, roomId);
    // In the commit of the first page of its events, the owner loses the partition.
    await service.database.pool.query(`
      CREATE FUNCTION take_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE partitions SET owner = 'heir', epoch = 2 WHERE kind = 'room-state' AND partition = NEW.partition;
        RETURN NEW; END $$;
      CREATE TRIGGER takes_over AFTER UPDATE ON room_jobs FOR EACH ROW
        WHEN (NEW.phase = 'purge' AND NEW.rows_purged - OLD.rows_purged >= 1000) EXECUTE FUNCTION take_over()`);
    const jobId = await request(roomId);
    const runner = service.module.get(RoomJobRunner);
    const abandoned = await runUntil(service, runner, jobId, ({ rowsPurged }) => rowsPurged >= 1000);
    expect(abandoned).toMatchObject({ status: 'running', phase: 'purge' });
    await service.database.pool.query('DROP TRIGGER takes_over ON room_jobs');
    await runner.look();
    const heir = await anotherInstance(service, 'heir', new Map([[partition, 2]]));
    expect(await runUntil(service, heir.runner, jobId)).toMatchObject({ status: 'done', membersLeft: 3 });
    // The first room has left one as well.
    expect(await remains(service, roomNid)).toEqual({ ...NEWEST, 'event_positions.event_nid': 2 });
    await heir.module.close();
    await service.database.pool.query(`UPDATE partitions SET owner = 'room-state-test', epoch = 1`);
  });

  it('can leave the rows, and block the room until it is unblocked', async () => {
    const roomId = await room();
    expect(await remove(roomId, { block: true, purge: false })).toMatchObject({
      status: 'done',
      rowsPurged: 0,
    });
    const join = () => service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
    const late = await remote.send(roomId, VERSION, { type: 'm.room.message', content: { body: 'x' } });
    expect(late.outcome).toBe('refused');
    asked = 0;
    await expect(join()).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    await expect(service.message(roomId, ALICE, 'x')).rejects.toMatchObject({ status: 403 });
    expect(asked).toBe(0);
    expect(await new RoomBlockTransactor(service.database).unblock(roomId)).toBe(true);
    // The room is one like others that this server has left: it asks others for a way in.
    await expect(join()).rejects.toMatchObject({ status: 403 });
    expect(asked).toBeGreaterThan(0);
  });

  it('of a blocked room ends in one that nobody can enter or be invited to', async () => {
    const roomId = await room();
    await remove(roomId, { block: true });
    expect(await new RoomReader(service.database).byId(roomId)).toBeUndefined();
    asked = 0;
    for (const action of ['join', 'knock'] as const) {
      const change = { roomId, sender: BOB, target: BOB, action, via: [HS2] };
      await expect(service.membership(change)).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    }
    expect(asked).toBe(0);
    await expect(receiveInvite(roomId)).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    expect(await new RoomReader(service.database).byId(roomId)).toBeUndefined();
  });

  it('stops at somebody who cannot be made to leave, unless it is to go on all the same', async () => {
    const roomId = await room();
    await service.membership({ roomId, sender: ALICE, target: BOB, action: 'ban' });
    // What no event says.
    await service.database.pool.query(
      `UPDATE memberships SET membership = 'join' FROM state_keys, rooms
       WHERE state_key_nid = user_nid AND state_key = $1 AND rooms.room_nid = memberships.room_nid AND room_id = $2`,
      [BOB, roomId],
    );
    const failed = await remove(roomId);
    expect(failed).toMatchObject({ status: 'failed', phase: 'leave', attempts: 1 });
    expect(failed.error).toMatch(`${BOB} cannot be made to leave: `);
    const jobs = new RoomJobRequestTransactor(service.database);
    expect(await jobs.retry(failed)).toBe(true);
    await runUntil(service, service.module.get(RoomJobRunner), failed.jobId);
    expect(await remove(roomId, { force: true })).toMatchObject({ status: 'done', error: null });
    expect(await new RoomReader(service.database).byId(roomId)).toBeUndefined();
    expect(await jobs.retry({ jobId: 0, roomId })).toBe(false);
  });

  it('blocks a room that is not known', async () => {
    const roomId = `!${randomUUID()}:hs2` as RoomId;
    const jobs = new RoomJobRequestTransactor(service.database);
    const args = { block: true, purge: true, force: false, purgeAfterMs: 0 };
    const { partition } = service.module.get(RoomRegistry).ownership(roomId);
    const jobId = await jobs.deleteRoom({ roomId, roomNid: null, partition }, args);
    expect(await runUntil(service, service.module.get(RoomJobRunner), jobId)).toMatchObject({
      status: 'done',
    });
    const change = { roomId, sender: BOB, target: BOB, action: 'join' as const, via: [HS2] };
    await expect(service.membership(change)).rejects.toMatchObject({ status: 403 });
    // A join that was on its way to others as the room was blocked.
    const rules = rulesOf(VERSION) as RoomVersionRules;
    await expect(service.module.get(UnjoinedRooms).ensure(roomId, rules)).rejects.toMatchObject({
      status: 403,
    });
    expect(await new RoomReader(service.database).byId(roomId)).toBeUndefined();
  });

  async function receiveInvite(roomId: RoomId): Promise<unknown> {
    const { partition, epoch } = service.module.get(RoomRegistry).ownership(roomId);
    const pdu = {
      ...{
        type: 'm.room.member',
        room_id: roomId,
        sender: EVE,
        state_key: BOB,
        content: { membership: 'invite' },
      },
      ...{ origin_server_ts: Date.now(), depth: 9, prev_events: [], auth_events: [] },
    };
    const { signed, eventId } = await signInviteOf(pdu, VERSION, remote.key);
    const context = new CommandContext(
      ReceiveInvite.pattern,
      randomUUID(),
      Date.now() + 10_000,
      partition,
      epoch,
      1,
    );
    return service.module.get(ReceiveInviteHandler).handle(
      {
        ...{ roomId, origin: HS2, eventId, roomVersion: VERSION, strippedState: [] },
        pdu: JSON.stringify(signed),
      },
      context,
    );
  }
});

describe('a room that was deleted', () => {
  it('can be joined anew by another server, as one that was never known', async () => {
    const large = await LargeRoom.make({ members: 3, servers: 1 });
    const joiner = await startTestRoomState({
      federation: large.federation,
    });
    await large.publishKeys(joiner);
    const { roomId } = large;
    const via = [`s0` as ServerName];
    const join = () => joiner.membership({ roomId, sender: BOB, target: BOB, action: 'join', via });
    await join();
    const first = await roomOf(joiner, roomId);
    const jobId = await new RoomJobRequestTransactor(joiner.database).deleteRoom(first, {
      ...{ block: false, purge: true, force: false, purgeAfterMs: 0 },
    });
    await runUntil(joiner, joiner.module.get(RoomJobRunner), jobId);
    await join();
    const second = await roomOf(joiner, roomId);
    expect(second.roomNid).not.toBe(first.roomNid);
    const { rows } = await joiner.database.pool.query<{ keys: number; held: number }>(
      `SELECT count(*)::int AS keys, count(e.event_nid)::int AS held FROM room_state s
       LEFT JOIN events e ON e.event_nid = s.event_nid AND e.room_nid = s.room_nid WHERE s.room_nid = $1`,
      [second.roomNid],
    );
    expect(rows[0]?.keys).toBeGreaterThan(3);
    expect(rows[0]?.held).toBe(rows[0]?.keys);
    await joiner.message(roomId, BOB, 'here again');
    await joiner.stop();
  });
});
