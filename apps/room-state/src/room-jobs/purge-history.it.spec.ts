import { EventStateReader, RoomJobRequestTransactor, StateReader } from '@atoll/database';
import type { EventId, JsonObject, Pdu, RoomId } from '@atoll/matrix';
import { eventIdOf, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EVE, RemoteServer } from '../remote-server.spec-support.js';
import { RoomModel } from '../room-model.spec-support.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { RoomJobRunner } from './room-job-runner.js';
import { anotherInstance, roomOf, runUntil } from './room-jobs.spec-support.js';

const VERSION = '11';
const rules = rulesOf(VERSION) as RoomVersionRules;

let service: TestRoomState;
let remote: RemoteServer;
beforeAll(async () => {
  service = await startTestRoomState();
  remote = new RemoteServer(service);
  await remote.publishKey();
});
afterAll(() => service.stop());

const says = (roomId: RoomId, body: string, more: { prev?: EventId[]; content?: JsonObject } = {}) =>
  remote.send(roomId, VERSION, {
    type: 'm.room.message',
    content: { msgtype: 'm.text', body, ...more.content },
    ...(more.prev && { prev: more.prev }),
  });
const topic = (roomId: RoomId, text: string, prev?: EventId[]) =>
  remote.send(roomId, VERSION, {
    type: 'm.room.topic',
    state_key: '',
    content: { topic: text },
    ...(prev && { prev }),
  });

/** A room of two servers, whose branches change state and meet again. */
async function forkedRoom() {
  const roomId = await service.createRoom(
    {
      preset: 'public_chat',
      powerLevelContentOverride: { users: { [ALICE]: 100, [EVE]: 100 } },
    },
    VERSION,
  );
  await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
  await remote.send(roomId, VERSION, {
    type: 'm.room.member',
    state_key: EVE,
    content: { membership: 'join' },
  });
  const first = await says(roomId, 'first');
  const { eventId: ours } = await service.message(roomId, ALICE, 'ours');
  const oldTopic = await topic(roomId, 'one', [first.eventId]);
  const branch = await says(roomId, 'on the branch', { prev: [oldTopic.eventId] });
  const longer = await says(roomId, 'further on the branch', { prev: [branch.eventId] });
  await service.send({ roomId, sender: ALICE, type: 'm.room.name', stateKey: '', content: { name: 'x' } });
  const other = await topic(roomId, 'two', [ours]);
  const reply = await says(roomId, 'in a thread', {
    content: { 'm.relates_to': { rel_type: 'm.thread', event_id: first.eventId } },
  });
  return { roomId, first, ours: ours, oldTopic, branch, longer, other, reply };
}

/** The states at every position and before every event, and what the room stands on now. */
async function statesOf(roomId: RoomId) {
  const { db } = service.database;
  const { roomNid } = await roomOf(service, roomId);
  const [states, befores] = [new StateReader(service.database), new EventStateReader(service.database)];
  const events = await db
    .selectFrom('events as e')
    .leftJoin('event_positions as p', 'p.event_nid', 'e.event_nid')
    .select(['e.event_nid', 'e.event_id', 'p.position', 'e.state_key_nid'])
    .where('e.room_nid', '=', roomNid)
    .execute();
  const kept = new Map<EventId, unknown>();
  for (const { event_nid, event_id, position } of events) {
    const at = position === null ? [] : await states.stateAt(roomNid, position);
    const before = await befores.before(event_nid);
    kept.set(event_id, {
      at: at.map(({ type, stateKey, eventId }) => [type, stateKey, eventId]).sort(),
      before: before?.map(({ type, stateKey, eventId }) => [type, stateKey, eventId]).sort(),
    });
  }
  const heads = await db.selectFrom('room_heads').selectAll().where('room_nid', '=', roomNid).execute();
  const members = await db
    .selectFrom('memberships')
    .selectAll()
    .where('room_nid', '=', roomNid)
    .orderBy('user_nid')
    .execute();
  return { kept, heads, members };
}

async function purge(roomId: RoomId, before: EventId | undefined, deleteLocalEvents = false) {
  const room = await roomOf(service, roomId);
  const at = before && (await positionOf(before));
  const jobs = new RoomJobRequestTransactor(service.database);
  return jobs.purgeHistory(room, {
    beforePosition: at ?? null,
    beforeTs: at === undefined ? Date.now() + 60_000 : null,
    deleteLocalEvents,
  });
}

/** As senders do; nobody is owed anything afterwards. */
async function routeAll(): Promise<void> {
  await service.database.pool.query(
    `INSERT INTO sender_cursors SELECT n, (SELECT max(position) FROM event_positions) FROM generate_series(0, 7) AS n
     ON CONFLICT (partition) DO UPDATE SET position = excluded.position`,
  );
}

async function positionOf(eventId: EventId): Promise<number> {
  const { position } = await service.database.db
    .selectFrom('events as e')
    .innerJoin('event_positions as p', 'p.event_nid', 'e.event_nid')
    .select('p.position')
    .where('e.event_id', '=', eventId)
    .executeTakeFirstOrThrow();
  return position;
}

async function jsonOf(eventId: EventId | null): Promise<string> {
  const { json } = await service.database.db
    .selectFrom('events')
    .select('json')
    .where('event_id', '=', eventId)
    .executeTakeFirstOrThrow();
  return json;
}

/** What redacts an event. */
async function redactionOf(eventId: EventId): Promise<EventId | undefined> {
  const row = await service.database.db
    .selectFrom('redactions as r')
    .innerJoin('events as e', 'e.event_nid', 'r.redacted_event_nid')
    .innerJoin('events as by', 'by.event_nid', 'r.redaction_event_nid')
    .select('by.event_id')
    .where('e.event_id', '=', eventId)
    .executeTakeFirst();
  return row?.event_id;
}

/** An event on events that are still there, in a room whose whole graph is not. */
async function onTopOf(roomId: RoomId, prev: readonly EventId[], content: JsonObject): Promise<Pdu> {
  const { roomNid } = await roomOf(service, roomId);
  const model = await RoomModel.read(service.database, roomId, rules);
  const state = await new StateReader(service.database).currentState(roomNid);
  const auth = state.flatMap(({ type, stateKey, eventId }) => {
    const isOfAuthority = ['m.room.create', 'm.room.power_levels'].includes(type) || stateKey === EVE;
    return isOfAuthority ? [eventId] : [];
  });
  return remote.eventOn(model, roomId, rules, { type: 'm.room.message', content, prev, auth });
}

describe('a purge of history', () => {
  it('takes messages of others, and changes no state at or before any event that stays', async () => {
    const room = await forkedRoom();
    const { roomId } = room;
    const before = await statesOf(roomId);
    const jobId = await purge(roomId, room.reply.eventId);
    const job = await runUntil(service, service.module.get(RoomJobRunner), jobId);
    expect(job).toMatchObject({ status: 'done', eventsPurged: 2, error: null });
    const after = await statesOf(roomId);
    // The first is the root of a thread that goes on.
    const gone = [room.branch, room.longer].map(({ eventId }) => eventId);
    expect([...before.kept.keys()].filter((id) => !after.kept.has(id)).sort()).toEqual(gone.sort());
    for (const [id, states] of after.kept) expect([id, states]).toEqual([id, before.kept.get(id)]);
    expect(after).toMatchObject({ heads: before.heads, members: before.members });
  });

  it('takes what is unread of threads that go whole', async () => {
    const { roomId, first, branch, reply } = await forkedRoom();
    await says(roomId, 'in another thread', {
      content: { 'm.relates_to': { rel_type: 'm.thread', event_id: branch.eventId } },
    });
    const last = await says(roomId, 'last');
    const { roomNid } = await roomOf(service, roomId);
    await service.database.pool.query(
      `INSERT INTO unread_counts SELECT m.user_nid, m.room_nid, e.event_nid, 1, 0, 0
       FROM memberships m JOIN state_keys k ON k.state_key_nid = m.user_nid JOIN events e ON e.event_id = ANY ($3)
       WHERE m.room_nid = $1 AND k.state_key = $2
       UNION ALL SELECT m.user_nid, m.room_nid, 0, 1, 0, 0
       FROM memberships m JOIN state_keys k ON k.state_key_nid = m.user_nid WHERE m.room_nid = $1 AND k.state_key = $2`,
      [roomNid, BOB, [first.eventId, branch.eventId]],
    );
    await says(roomId, 'later in the thread', {
      content: { 'm.relates_to': { rel_type: 'm.thread', event_id: first.eventId } },
    });
    await runUntil(service, service.module.get(RoomJobRunner), await purge(roomId, last.eventId));
    await expect(jsonOf(branch.eventId)).rejects.toThrow();
    await expect(jsonOf(reply.eventId)).rejects.toThrow();
    const { rows } = await service.database.pool.query<{ root: string | null }>(
      `SELECT e.event_id AS root FROM unread_counts u LEFT JOIN events e ON e.event_nid = u.thread_nid
       WHERE u.room_nid = $1 ORDER BY thread_nid`,
      [roomNid],
    );
    expect(rows).toEqual([{ root: null }, { root: first.eventId }]);
  });

  it('leaves a room in which all goes on', async () => {
    const room = await forkedRoom();
    const { roomId } = room;
    const unseen = await onTopOf(roomId, [room.longer.eventId], { body: 'on what is gone' });
    await routeAll();
    await runUntil(service, service.module.get(RoomJobRunner), await purge(roomId, room.reply.eventId, true));
    // Local events build on the heads; those of others on any event that stays.
    const { eventId: local } = await service.message(roomId, BOB, 'still here');
    const fork = await onTopOf(roomId, [room.oldTopic.eventId], { body: 'on a branch that stays' });
    const tip = await onTopOf(roomId, [local], { body: 'on the tip' });
    const [forked, onTip, onGone] = await remote.accept(roomId, fork, tip, unseen);
    expect([forked?.outcome, onTip?.outcome]).toEqual(['accepted', 'accepted']);
    expect(onGone).toMatchObject({ outcome: 'missing-events', missingPrev: [room.longer.eventId] });
    expect(eventIdOf(fork, rules)).toBe(forked?.eventId);
    await service.send({
      roomId,
      sender: ALICE,
      type: 'm.room.topic',
      stateKey: '',
      content: { topic: 'z' },
    });
    await expect(
      service.send({ roomId, sender: BOB, type: 'm.room.topic', stateKey: '', content: { topic: 'no' } }),
    ).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });

  it('takes events of local users only when asked to, and never the newest or what redacts an event that stays', async () => {
    const { roomId, ours } = await forkedRoom();
    const { eventId: name } = await service.send({
      ...{ roomId, sender: ALICE, type: 'm.room.name', stateKey: '', content: { name: 'secret' } },
    });
    const redacts = { roomId, sender: ALICE, type: 'm.room.redaction', content: {} };
    const { eventId: ofState } = await service.send({ ...redacts, redacts: name });
    const { eventId: message } = await service.message(roomId, BOB, 'oops');
    const { eventId: ofMessage } = await service.send({ ...redacts, redacts: message });
    const { eventId: newest } = await service.message(roomId, BOB, 'newest');
    const stored = async () => {
      const rows = await service.database.db.selectFrom('events').select('event_id').execute();
      const ids = new Set<string>(rows.map((row) => row.event_id));
      return [ours, ofState, message, ofMessage, newest].map((id) => ids.has(id as string));
    };
    const runner = service.module.get(RoomJobRunner);
    await runUntil(service, runner, await purge(roomId, undefined));
    expect(await stored()).toEqual([true, true, true, true, true]);
    // Other servers have not been sent them.
    await runUntil(service, runner, await purge(roomId, undefined, true));
    expect(await stored()).toEqual([true, true, true, true, true]);
    await routeAll();
    await runUntil(service, runner, await purge(roomId, undefined, true));
    expect(await stored()).toEqual([false, true, false, false, true]);
    const { roomNid } = await roomOf(service, roomId);
    const { rows } = await service.database.pool.query<{ relations: number; threads: number }>(
      `SELECT (SELECT count(*)::int FROM event_relations WHERE room_nid = $1) AS relations,
        (SELECT count(*)::int FROM threads WHERE room_nid = $1) AS threads`,
      [roomNid],
    );
    expect(rows[0]).toEqual({ relations: 0, threads: 0 });
  });

  it('leaves a message redacted that another server sends again', async () => {
    const { roomId, branch, reply } = await forkedRoom();
    const redaction = {
      roomId,
      sender: ALICE,
      type: 'm.room.redaction',
      redacts: branch.eventId,
      content: {},
    };
    const { eventId } = await service.send(redaction);
    const json = await jsonOf(branch.eventId);
    await runUntil(service, service.module.get(RoomJobRunner), await purge(roomId, reply.eventId));
    expect(await redactionOf(branch.eventId)).toBeUndefined();
    const again = await service.accept({ roomId, pdus: [json] });
    expect(again).toMatchObject({ results: [{ eventId: branch.eventId, outcome: 'accepted' }] });
    expect(await redactionOf(branch.eventId)).toBe(eventId);
  });

  it('takes a redaction of what it took before', async () => {
    const { roomId, branch, reply } = await forkedRoom();
    const content = { redacts: branch.eventId };
    const redaction = await remote.send(roomId, VERSION, { type: 'm.room.redaction', content });
    const runner = service.module.get(RoomJobRunner);
    await runUntil(service, runner, await purge(roomId, reply.eventId));
    const { eventId: newest } = await service.message(roomId, ALICE, 'newest');
    expect(await jsonOf(redaction.eventId)).toContain('redacts');
    const job = await runUntil(service, runner, await purge(roomId, newest));
    expect(job.status).toBe('done');
    await expect(jsonOf(redaction.eventId)).rejects.toThrow();
    const { rows } = await service.database.pool.query(
      'SELECT FROM pending_redactions WHERE target_event_id = $1',
      [branch.eventId],
    );
    expect(rows).toEqual([]);
  });

  it('takes the history of what goes, and leaves that of what stays', async () => {
    const { roomId, branch, longer, other, reply } = await forkedRoom();
    // As if it had been missed until the reply came, and been brought then.
    await service.database.pool.query(
      `UPDATE event_positions SET position = nextval('backfill_position'), before_position = $1
       WHERE event_nid = (SELECT event_nid FROM events WHERE event_id = $2)`,
      [await positionOf(reply.eventId), longer.eventId],
    );
    // And as an older release brought it: before everything.
    await service.database.pool.query(
      `UPDATE event_positions SET position = nextval('backfill_position')
       WHERE event_nid = (SELECT event_nid FROM events WHERE event_id = $1)`,
      [branch.eventId],
    );
    const runner = service.module.get(RoomJobRunner);
    const purged = async (before: EventId) =>
      (await runUntil(service, runner, await purge(roomId, before))).eventsPurged;
    expect(await purged(branch.eventId)).toBe(0);
    expect(await purged(other.eventId)).toBe(1);
    await expect(jsonOf(branch.eventId)).rejects.toThrow();
    expect(await jsonOf(longer.eventId)).toContain('further on the branch');
    expect(await purged(longer.eventId)).toBe(0);
    expect(await purged(reply.eventId)).toBe(1);
    await expect(jsonOf(longer.eventId)).rejects.toThrow();
  });

  it('takes messages that were refused, from before the point', async () => {
    const { roomId, branch, reply } = await forkedRoom();
    const refuse = (id: string, status: number, ts: number) =>
      service.database.pool.query(
        `INSERT INTO events SELECT nextval('event_nids'), $1, room_nid, type_nid, NULL, sender_nid, depth, $2, $3, 'refused', json
         FROM events WHERE event_id = $4`,
        [id, ts, status, branch.eventId],
      );
    await refuse(`$soft-${roomId}`, 1, 1);
    await refuse(`$rejected-${roomId}`, 2, 1);
    await refuse(`$later-${roomId}`, 1, Date.now() + 3_600_000);
    const job = await runUntil(
      service,
      service.module.get(RoomJobRunner),
      await purge(roomId, reply.eventId),
    );
    expect(job).toMatchObject({ status: 'done', eventsPurged: 4 });
    const { rows } = await service.database.pool.query<{ event_id: string }>(
      'SELECT event_id FROM events JOIN rooms USING (room_nid) WHERE room_id = $1 AND status <> 0',
      [roomId],
    );
    expect(rows).toEqual([{ event_id: `$later-${roomId}` }]);
  });

  it('is taken up by the next owner where the one before lost the room', async () => {
    const { roomId } = await forkedRoom();
    for (let n = 0; n < 60; n += 1)
      await Promise.all(Array.from({ length: 20 }, () => service.message(roomId, ALICE, 'many')));
    await routeAll();
    const { partition } = await roomOf(service, roomId);
    // In the commit of its first page, the owner loses the partition.
    await service.database.pool.query(`
      CREATE FUNCTION take_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE partitions SET owner = 'heir', epoch = 2 WHERE kind = 'room-state' AND partition = NEW.partition;
        RETURN NEW; END $$;
      CREATE TRIGGER takes_over AFTER UPDATE ON room_jobs FOR EACH ROW WHEN (OLD.cursor IS NULL) EXECUTE FUNCTION take_over()`);
    const jobId = await purge(roomId, undefined, true);
    const runner = service.module.get(RoomJobRunner);
    const abandoned = await runUntil(service, runner, jobId, ({ cursor }) => cursor !== null);
    expect(abandoned).toMatchObject({ status: 'running', finishedTs: null });
    await service.database.pool.query('DROP TRIGGER takes_over ON room_jobs');
    await runner.look();
    const heir = await anotherInstance(service, 'heir', new Map([[partition, 2]]));
    const job = await runUntil(service, heir.runner, jobId);
    expect(job).toMatchObject({ status: 'done', attempts: 0 });
    expect(job.eventsPurged).toBeGreaterThan(1200);
    expect(job.eventsPurged).toBeGreaterThan(abandoned.eventsPurged);
    // The old owner, which still thinks that it is one, is refused by the database.
    await expect(service.message(roomId, ALICE, 'late')).rejects.toThrow();
    await heir.module.close();
  });
});
