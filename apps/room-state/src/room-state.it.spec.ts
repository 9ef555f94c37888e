import { StateReader } from '@atoll/database';
import type { EventId, RoomId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from './test-room-state.spec-support.js';

describe('room-state on PostgreSQL', () => {
  let service: TestRoomState;
  beforeAll(async () => {
    service = await startTestRoomState();
  });
  afterAll(() => service.stop());

  const timeline = (roomId: RoomId) =>
    service.database.db
      .selectFrom('event_positions as p')
      .innerJoin('events as e', 'e.event_nid', 'p.event_nid')
      .innerJoin('rooms as r', 'r.room_nid', 'p.room_nid')
      .innerJoin('event_types as t', 't.type_nid', 'e.type_nid')
      .select(['p.position', 'e.event_id', 't.type', 'e.json', 'r.room_nid'])
      .where('r.room_id', '=', roomId)
      .orderBy('p.position')
      .execute();

  describe.each(['10', '11', '12'])('room version %s', (version) => {
    it('creates a room with its events in the specified order, in one commit', async () => {
      const roomId = await service.createRoom(
        { name: 'n', topic: 't', invite: [{ userId: BOB, profile: {} }] },
        version,
      );
      const events = await timeline(roomId);
      expect(events.map(({ type }) => type)).toEqual([
        'm.room.create',
        'm.room.member',
        'm.room.power_levels',
        'm.room.join_rules',
        'm.room.history_visibility',
        'm.room.guest_access',
        'm.room.name',
        'm.room.topic',
        'm.room.member',
      ]);
      const [first] = events;
      const state = await new StateReader(service.database).currentState(first?.room_nid ?? 0);
      expect(state).toHaveLength(9);
    });
  });

  it('sends messages that chain to each other and gives the same transaction the first answer', async () => {
    const roomId = await service.createRoom();
    const transaction = { deviceId: 'D', scope: `send ${roomId}`, id: 'txn1' };
    const base = { roomId, sender: ALICE, type: 'm.room.message', transaction };
    const [one, two] = await Promise.all([
      service.send({ ...base, content: { body: 'one' } }, 'k1'),
      service.send({ ...base, content: { body: 'two' } }, 'k2'),
    ]);
    expect(two).toEqual(one);
    const later = await service.send({ ...base, content: { body: 'three' } }, 'k3');
    expect(later).toEqual(one);
    await service.message(roomId, ALICE, 'next');
    const events = await timeline(roomId);
    const last = JSON.parse(events.at(-1)?.json ?? '{}') as { prev_events: EventId[]; depth: number };
    expect(last.prev_events).toEqual([one.eventId]);
    expect(last.depth).toBe(events.length);
  });

  it('commits what many rooms want at once in few transactions, in the order of each room', async () => {
    const rooms = await Promise.all(Array.from({ length: 5 }, () => service.createRoom()));
    await Promise.all(
      rooms.flatMap((roomId) =>
        Array.from({ length: 20 }, (_, i) => service.message(roomId, ALICE, `m${i}`)),
      ),
    );
    for (const roomId of rooms) {
      const events = await timeline(roomId);
      const bodies = events.flatMap(
        ({ json }) => (JSON.parse(json) as { content: { body?: string } }).content.body ?? [],
      );
      expect(bodies).toEqual(Array.from({ length: 20 }, (_, i) => `m${i}`));
    }
  });

  it('keeps the history of the state: who was in the room at each position', async () => {
    const roomId = await service.createRoom({ preset: 'public_chat' });
    const join = await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
    await service.membership({ roomId, sender: BOB, target: BOB, action: 'leave' });
    const events = await timeline(roomId);
    const joined = events.find(({ event_id }) => event_id === join.eventId);
    const reader = new StateReader(service.database);
    const at = await reader.stateEvent(joined?.room_nid ?? 0, 'm.room.member', BOB, joined?.position);
    const before = await reader.stateEvent(
      joined?.room_nid ?? 0,
      'm.room.member',
      BOB,
      (joined?.position ?? 0) - 1,
    );
    expect(at?.eventId).toBe(join.eventId);
    expect(before).toBeUndefined();
  });

  it('refuses what the auth rules refuse, and writes nothing for it', async () => {
    const roomId = await service.createRoom();
    const count = (await timeline(roomId)).length;
    await expect(service.message(roomId, BOB, 'hello')).rejects.toMatchObject({
      status: 403,
      errcode: 'M_FORBIDDEN',
    });
    await expect(
      service.membership({ roomId, sender: BOB, target: BOB, action: 'join' }),
    ).rejects.toMatchObject({ status: 403 });
    await expect(
      service.membership({ roomId, sender: ALICE, target: BOB, action: 'kick' }),
    ).rejects.toMatchObject({ status: 403 });
    expect(await timeline(roomId)).toHaveLength(count);
  });

  it('joins twice with one event, and answers identical state with the event that holds it', async () => {
    const roomId = await service.createRoom({ preset: 'public_chat' });
    const first = await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
    const second = await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
    expect(first.eventId).not.toBeNull();
    expect(second.eventId).toBeNull();
    const state = { roomId, sender: ALICE, type: 'm.room.name', stateKey: '', content: { name: 'x' } };
    expect(await service.send(state)).toEqual(await service.send(state));
  });

  it('aborts a commit whose partition another instance owns, and leaves no trace of it', async () => {
    const roomId = await service.createRoom();
    const count = (await timeline(roomId)).length;
    await service.database.db.updateTable('partitions').set({ owner: 'other', epoch: 2 }).execute();
    await expect(service.message(roomId, ALICE, 'late')).rejects.toMatchObject({ name: 'NotOwner' });
    await service.database.db.updateTable('partitions').set({ owner: 'room-state-test', epoch: 1 }).execute();
    expect(service.fencedOut.length).toBeGreaterThan(0);
    expect(await timeline(roomId)).toHaveLength(count);
    await service.message(roomId, ALICE, 'again');
    expect(await timeline(roomId)).toHaveLength(count + 1);
  });
});
