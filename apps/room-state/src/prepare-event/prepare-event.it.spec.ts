import { PrepareEvent, SendPreparedEvent } from '@atoll/contract';
import { EventReader, RoomReader, StateReader } from '@atoll/database';
import type { EventId, JsonObject, RoomId } from '@atoll/matrix';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { PrepareEventHandler } from './prepare-event.handler.js';
import { SendPreparedEventHandler } from './send-prepared-event.handler.js';

describe.each(['1', '10', '12'])('an event that is sent after it was built, in version %s', (version) => {
  let service: TestRoomState;
  let roomId: RoomId;
  beforeAll(async () => {
    service = await startTestRoomState();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    roomId = await service.createRoom({ preset: 'public_chat' }, version);
    await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
  });

  const tombstone = { type: 'm.room.tombstone', stateKey: '', content: { body: 'gone' } };
  const prepare = (sender = ALICE, key?: string) =>
    service.module
      .get(PrepareEventHandler)
      .handle({ roomId, sender, ...tombstone }, service.context(PrepareEvent.pattern, roomId, key));
  const send = (event: JsonObject, room = roomId) =>
    service.module
      .get(SendPreparedEventHandler)
      .handle({ roomId: room, event }, service.context(SendPreparedEvent.pattern, room));
  const stored = async (eventId: EventId) =>
    (await new EventReader(service.database).byIds([eventId])).get(eventId);
  async function current(): Promise<EventId | undefined> {
    const room = await new RoomReader(service.database).byId(roomId);
    return (await new StateReader(service.database).stateEvent(room?.roomNid ?? 0, tombstone.type, ''))
      ?.eventId;
  }

  it('is not there before, and there once, however often it is sent', async () => {
    const { eventId, event } = await prepare();
    expect(await stored(eventId)).toBeUndefined();
    expect(await send(event)).toEqual({ eventId });
    expect(await send(event)).toEqual({ eventId });
    expect(await current()).toBe(eventId);
    expect((await stored(eventId))?.pdu.signatures).toHaveProperty('hs1');
  });

  it('is the same for the same wish', async () => {
    const [one, other] = await Promise.all([prepare(ALICE, `${roomId} a`), prepare(ALICE, `${roomId} a`)]);
    expect(other).toEqual(one);
    // Of the same millisecond it would be the same event, as nothing else differs.
    await sleep(2);
    expect((await prepare(ALICE, `${roomId} b`)).eventId).not.toBe(one.eventId);
  });

  it('is taken when the room has gone on', async () => {
    const { eventId, event } = await prepare();
    for (const body of ['one', 'two']) await service.message(roomId, BOB, body);
    expect(await send(event)).toEqual({ eventId });
    expect(await current()).toBe(eventId);
    await service.message(roomId, ALICE, 'three');
  });

  it('is refused to whom the room does not allow it, then or by now', async () => {
    await expect(prepare(BOB)).rejects.toMatchObject({ status: 403 });
    const { event } = await prepare();
    await service.membership({ roomId, sender: ALICE, target: ALICE, action: 'leave' });
    for (let tries = 0; tries < 2; tries++) await expect(send(event)).rejects.toMatchObject({ status: 403 });
    expect(await current()).toBeUndefined();
  });

  it('is one of this room and server', async () => {
    const { event } = await prepare();
    const other = await service.createRoom({}, version);
    await expect(send(event, other)).rejects.toMatchObject({ status: 400 });
    await expect(send({ ...event, sender: '@alice:elsewhere' })).rejects.toMatchObject({ status: 400 });
    await expect(send({ ...event, sender: BOB })).rejects.toMatchObject({ status: 403 });
    const nowhere = '!nowhere:hs1' as RoomId;
    await expect(send(event, nowhere)).rejects.toMatchObject({ status: 403 });
    expect(await current()).toBeUndefined();
  });
});
