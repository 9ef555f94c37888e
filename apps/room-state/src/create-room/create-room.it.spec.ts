import type { EventId, JsonObject, RoomId, UserId } from '@atoll/matrix';
import { hashDraft, rulesOf, type RoomVersionRules } from '@atoll/room-rules';
import { StateReader, RoomReader, EventReader } from '@atoll/database';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

describe('creating a room', () => {
  let service: TestRoomState;
  beforeAll(async () => {
    service = await startTestRoomState();
  });
  afterAll(() => service.stop());

  const exists = async (roomId: RoomId) =>
    (await new RoomReader(service.database).byId(roomId)) !== undefined;
  async function stateContent(roomId: RoomId, type: string, stateKey = ''): Promise<JsonObject | undefined> {
    const room = await new RoomReader(service.database).byId(roomId);
    const entry = await new StateReader(service.database).stateEvent(room?.roomNid ?? 0, type, stateKey);
    const id = entry?.eventId as EventId;
    return (await new EventReader(service.database).byIds([id])).get(id)?.pdu.content;
  }

  function createEvent(content: JsonObject, version: string, sender: UserId = ALICE) {
    const draft = {
      type: 'm.room.create',
      ...(version !== '12' && { room_id: '!made-here:hs1' as RoomId }),
      sender,
      state_key: '',
      content: { room_version: version, ...content },
      origin_server_ts: Math.floor(Math.random() * 1e12),
      depth: 1,
      prev_events: [] as EventId[],
      auth_events: [] as EventId[],
    };
    const { event } = hashDraft(draft, rulesOf(version) as RoomVersionRules);
    return { roomId: event.roomId, createEvent: event.pdu as unknown as JsonObject };
  }

  it('checks the create event like any other', async () => {
    const large = createEvent({ x: 'y'.repeat(65_536) }, '12');
    await expect(service.createRoom(large)).rejects.toMatchObject({ status: 413 });
    const creators = createEvent({ additional_creators: ['nobody'] }, '12');
    await expect(service.createRoom(creators)).rejects.toMatchObject({ status: 403 });
    const foreign = createEvent({}, '12', '@alice:elsewhere' as UserId);
    await expect(service.createRoom({ ...foreign, creator: ALICE })).rejects.toMatchObject({ status: 400 });
    const otherVersion = createEvent({}, '12');
    const input = { ...otherVersion, roomVersion: '11' };
    await expect(service.createRoom(input)).rejects.toMatchObject({ status: 400 });
    for (const { roomId } of [large, creators, foreign, otherVersion])
      expect(await exists(roomId)).toBe(false);
  });

  it('makes nothing when one of its events is refused, and everything when it is asked again', async () => {
    const room = createEvent({}, '11');
    const bad = { type: 'm.room.power_levels', stateKey: '', content: { users: { [ALICE]: 'x' } } };
    await expect(service.createRoom({ ...room, initialState: [bad] }, '11')).rejects.toMatchObject({
      status: 403,
    });
    expect(await exists(room.roomId)).toBe(false);
    await service.createRoom(room, '11');
    await service.message(room.roomId, ALICE, 'works');
  });

  it('makes a room once of the same create event, whichever of two comes first', async () => {
    const room = createEvent({}, '12');
    const results = await Promise.allSettled([service.createRoom(room), service.createRoom(room)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { errcode: 'ATOLL_ROOM_EXISTS' },
    });
    await service.message(room.roomId, ALICE, 'works');
  });

  it('makes one room of one wish, whatever the room is that each asks for', async () => {
    const create = (key: string) => service.createRoom({}, '12', key);
    const rooms = await Promise.all([create('a wish'), create('a wish'), create('another')]);
    rooms.push(await create('a wish'));
    expect(rooms).toEqual([rooms[0], rooms[0], rooms[2], rooms[0]]);
    expect(rooms[2]).not.toBe(rooms[0]);
  });

  it('answers the room that another owner made of the same wish at the same time', async () => {
    const { db } = service.database;
    const waits = async () =>
      (
        await sql`SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db)
      ).rows.length > 0;
    const winner = { roomId: '!winner' };
    const room = createEvent({}, '12');
    const answer = await db.transaction().execute(async (other) => {
      await other
        .insertInto('command_results')
        .values({ idempotency_key: 'raced', result: JSON.stringify(winner) })
        .execute();
      const second = service.createRoom(room, '12', 'raced');
      // Until its commit waits for this one.
      while (!(await waits())) await other.selectFrom('rooms').select('room_nid').limit(1).execute();
      return { second };
    });
    expect(await answer.second).toBe(winner.roomId);
    expect(await exists(room.roomId)).toBe(false);
  });

  describe.each(['1', '3', '9', '10', '11', '12'])('version %s', (version) => {
    it('gives its creators their power', async () => {
      const roomId = await service.createRoom(
        { preset: 'trusted_private_chat', invite: [{ userId: BOB, profile: {} }] },
        version,
      );
      const levels = await stateContent(roomId, 'm.room.power_levels');
      expect(levels?.['users']).toEqual(version === '12' ? {} : { [ALICE]: 100, [BOB]: 100 });
      // Only creators may replace a room where they are above all levels.
      expect(levels?.['events']).toMatchObject({ 'm.room.tombstone': version === '12' ? 150 : 100 });
    });

    it('lets its creator change the levels, and keeps them as they were sent', async () => {
      const roomId = await service.createRoom({}, version);
      const set = (content: JsonObject) =>
        service.send({ roomId, sender: ALICE, type: 'm.room.power_levels', stateKey: '', content });
      const names = set({ users: { [ALICE]: 100 } });
      // Creators above all levels must not be listed among them.
      if (version === '12') await expect(names).rejects.toMatchObject({ status: 403 });
      else await names;
      await set({});
      expect(await stateContent(roomId, 'm.room.power_levels')).toEqual({});
      // Where creators are not above the levels, nobody has any power left.
      if (version === '12') await set({ users: { [BOB]: 50 } });
      else await expect(set({ users: { [ALICE]: 100 } })).rejects.toMatchObject({ status: 403 });
    });
  });
});
