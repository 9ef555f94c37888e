import {
  DatabaseUnavailable,
  EVENT_STATUS,
  EventReader,
  RoomReader,
  RoomTransactor,
  type StateEventRef,
  StateReader,
} from '@atoll/database';
import { generateSigningKey } from '@atoll/event-crypto';
import type { EventId, JsonObject, Pdu, RoomEvent, RoomId, UserId } from '@atoll/matrix';
import { authTypesForEvent, buildEvent, rulesOf, type RoomVersionRules } from '@atoll/room-rules';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EVE, HS2, RemoteServer } from '../remote-server.spec-support.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

describe('events of another server', () => {
  let service: TestRoomState;
  let remoteServer: RemoteServer;
  let roomId: RoomId;
  let rules: RoomVersionRules;

  beforeAll(async () => {
    service = await startTestRoomState();
    remoteServer = new RemoteServer(service);
    await remoteServer.publishKey();
  });
  afterAll(() => service.stop());

  beforeEach(async () => {
    roomId = await service.createRoom({ preset: 'public_chat' });
    rules = rulesOf('12') as RoomVersionRules;
    await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
    expect(
      await accept(await remote({ type: 'm.room.member', state_key: EVE, content: { membership: 'join' } })),
    ).toMatchObject({
      outcome: 'accepted',
    });
  });

  const roomNid = async () => (await new RoomReader(service.database).byId(roomId))?.roomNid ?? 0;
  const state = async () => new StateReader(service.database).currentState(await roomNid());
  const stored = async (eventId: EventId) =>
    (await new EventReader(service.database).byIds([eventId])).get(eventId);
  const extremities = async () =>
    (
      await service.database.db
        .selectFrom('room_heads as h')
        .innerJoin('events as e', (join) => join.onTrue())
        .select('e.event_id')
        .where('h.room_nid', '=', await roomNid())
        .where((eb) => eb(eb.ref('e.event_nid'), '=', eb.fn.any(eb.ref('h.extremities'))))
        .execute()
    ).map((row) => row.event_id);

  /** An event of Eve's, by default at the tip of the room and with the right auth events. */
  async function remote(
    event: { type: string; content: JsonObject; state_key?: string; sender?: UserId },
    at: { prev?: EventId[]; auth?: EventId[]; depth?: number; state?: StateEventRef[] } = {},
  ): Promise<RoomEvent> {
    const current = at.state ?? (await state());
    const draft = {
      room_id: roomId,
      sender: EVE,
      origin_server_ts: Date.now(),
      depth: at.depth ?? 20,
      prev_events: at.prev ?? (await extremities()),
      auth_events: [] as EventId[],
      ...event,
    };
    draft.auth_events =
      at.auth ??
      authTypesForEvent(draft as unknown as Pdu, rules).flatMap(
        ([type, key]) =>
          current.find((entry) => entry.type === type && entry.stateKey === key)?.eventId ?? [],
      );
    return buildEvent(draft, rules, HS2, remoteServer.key);
  }

  const accept = async (event: RoomEvent | { pdu: unknown }) =>
    (await service.accept({ roomId, pdus: [JSON.stringify(event.pdu)] })).results[0];

  const message = (body: string) => ({ type: 'm.room.message', content: { body } });

  it('accepts a correct event once', async () => {
    const event = await remote(message('hi'));
    expect(await accept(event)).toEqual({ eventId: event.eventId, outcome: 'accepted' });
    expect(await accept(event)).toEqual({ eventId: event.eventId, outcome: 'duplicate' });
    expect((await stored(event.eventId))?.position).not.toBeNull();
    expect(await extremities()).toEqual([event.eventId]);
  });

  it('refuses a forged sender, a changed content hash is redacted', async () => {
    const forged = await remote({ ...message('as alice'), sender: ALICE });
    expect(await accept(forged)).toMatchObject({ outcome: 'refused' });
    const event = await remote(message('original'));
    const changed = { pdu: { ...event.pdu, content: { body: 'changed' } } };
    expect(await accept(changed)).toMatchObject({ outcome: 'accepted', eventId: event.eventId });
    expect((await stored(event.eventId))?.pdu.content).toEqual({});
  });

  it('refuses unsigned events and those of an unknown key', async () => {
    const event = await remote(message('x'));
    expect(await accept({ pdu: { ...event.pdu, signatures: {} } })).toMatchObject({ outcome: 'refused' });
    const otherKey = generateSigningKey();
    const signedByOther = await buildEvent({ ...event.pdu }, rules, HS2, otherKey);
    expect(await accept(signedByOther)).toMatchObject({ outcome: 'refused' });
  });

  it('asks for what it does not have', async () => {
    const unknown = `$${'a'.repeat(43)}` as EventId;
    expect(await accept(await remote(message('x'), { prev: [unknown] }))).toMatchObject({
      outcome: 'missing-events',
      missingPrev: [unknown],
      missingAuth: [],
    });
  });

  it('rejects what its sender may not do, stores it, and rejects what cites it', async () => {
    const levels = await remote({
      type: 'm.room.power_levels',
      state_key: '',
      content: { users: { [EVE]: 100 } },
    });
    expect(await accept(levels)).toMatchObject({ outcome: 'rejected' });
    const row = await stored(levels.eventId);
    expect(row).toMatchObject({ status: EVENT_STATUS.rejected, position: null });
    const member = (await state()).find(({ stateKey }) => stateKey === EVE)?.eventId as EventId;
    const citing = await remote(message('I am admin'), { auth: [levels.eventId, member] });
    expect(await accept(citing)).toMatchObject({ outcome: 'rejected' });
  });

  it('soft-fails an event that a ban, unknown to its branch, forbids; it is never shown and no tip', async () => {
    const before = await extremities();
    const branchState = await state();
    await service.membership({ roomId, sender: ALICE, target: EVE, action: 'ban' });
    const old = await remote(message('evading'), { prev: before, state: branchState });
    expect(await accept(old)).toMatchObject({ outcome: 'soft-failed' });
    expect(await stored(old.eventId)).toMatchObject({ status: EVENT_STATUS.softFailed, position: null });
    expect(await extremities()).not.toContain(old.eventId);
    const onTopOfIt = await remote(message('more'), { prev: [old.eventId], state: branchState });
    expect(await accept(onTopOfIt)).toMatchObject({ outcome: 'soft-failed' });
    const atTip = await remote(message('still'));
    expect(await accept(atTip)).toMatchObject({ outcome: 'rejected' });
  });

  it('merges a fork by state resolution, not by the latest event', async () => {
    await service.send({
      roomId,
      sender: ALICE,
      type: 'm.room.power_levels',
      stateKey: '',
      content: { users: { [EVE]: 50 }, state_default: 50 },
    });
    const before = await extremities();
    const branchState = await state();
    await service.send({
      roomId,
      sender: ALICE,
      type: 'm.room.power_levels',
      stateKey: '',
      content: { users: {}, state_default: 50 },
    });
    const demoted = await extremities();
    const topic = await remote(
      { type: 'm.room.topic', state_key: '', content: { topic: 'by eve' } },
      { prev: before, state: branchState },
    );
    // By the branch it is allowed, by the state in which Alice took her power away it is not.
    expect(await accept(topic)).toMatchObject({ outcome: 'soft-failed' });
    expect(await extremities()).toEqual(demoted);

    const alias = await remote(message('from the branch'), { prev: before, state: branchState });
    expect(await accept(alias)).toMatchObject({ outcome: 'accepted' });
    expect(new Set(await extremities())).toEqual(new Set([...demoted, alias.eventId]));
    const merged = await service.message(roomId, ALICE, 'merges');
    expect(await extremities()).toEqual([merged.eventId]);
    expect((await state()).some(({ type }) => type === 'm.room.topic')).toBe(false);
  });

  it('resolves concurrent state on both branches to the same winner whichever comes last', async () => {
    await service.send({
      roomId,
      sender: ALICE,
      type: 'm.room.power_levels',
      stateKey: '',
      content: { users: { [EVE]: 50, [BOB]: 50 }, state_default: 50 },
    });
    const before = await extremities();
    const branchState = await state();
    await service.send({
      roomId,
      sender: BOB,
      type: 'm.room.topic',
      stateKey: '',
      content: { topic: 'bob' },
    });
    const topic = await remote(
      { type: 'm.room.topic', state_key: '', content: { topic: 'eve' } },
      { prev: before, state: branchState },
    );
    expect(await accept(topic)).toMatchObject({ outcome: 'accepted' });
    const winner = (await state()).find(({ type }) => type === 'm.room.topic')?.eventId;
    // Same power levels in both branches: the later timestamp wins, which is Eve's here.
    expect(winner).toBe(topic.eventId);
    const follow = await remote(message('after'), { prev: [topic.eventId], state: branchState });
    expect(await accept(follow)).toMatchObject({ outcome: 'accepted' });
  });

  it('does not take an event for known whose commit failed, nor for durable before it is', async () => {
    const event = await remote(message('twice'));
    const transactor = service.module.get(RoomTransactor);
    const reached = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<undefined>();
    const commit = jest.spyOn(transactor, 'commit').mockImplementationOnce(async () => {
      reached.resolve(undefined);
      await held.promise;
      throw new DatabaseUnavailable('gone');
    });
    const outcomes = Promise.all([accept(event), accept(event)]);
    await reached.promise;
    held.resolve(undefined);
    expect((await outcomes).map((result) => result?.outcome).sort()).toEqual(['accepted', 'duplicate']);
    commit.mockRestore();
    expect((await stored(event.eventId))?.position).not.toBeNull();
    expect(await extremities()).toEqual([event.eventId]);
  });
});
