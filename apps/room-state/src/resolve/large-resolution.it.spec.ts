import { RoomReader, StateReader } from '@atoll/database';
import { generateSigningKey } from '@atoll/event-crypto';
import type { EventId, JsonObject, Pdu, ServerName, UserId } from '@atoll/matrix';
import { buildEvent, rulesOf, stateKey, type RoomVersionRules } from '@atoll/room-rules';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { RoomModel } from '../room-model.spec-support.js';
import { ALICE, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

const HS2 = 'hs2' as ServerName;
const EVE = '@eve:hs2' as UserId;
/** Enough for the worker thread. */
const MEMBERS = 520;

let service: TestRoomState;
const remoteKey = generateSigningKey();
beforeAll(async () => {
  service = await startTestRoomState();
  await service.database.db
    .insertInto('server_keys')
    .values({
      server_name: HS2,
      key_id: remoteKey.keyId,
      public_key: remoteKey.publicKey,
      valid_until_ts: Date.now() + 3_600_000,
      expired_ts: null,
      fetched_ts: Date.now(),
    })
    .execute();
});
afterAll(() => service.stop());

it('resolves the fork of a large room in a worker thread to the same state', async () => {
  const rules = rulesOf('11') as RoomVersionRules;
  const powerLevelContentOverride = { users: { [ALICE]: 100, [EVE]: 50 } };
  const roomId = await service.createRoom({ preset: 'public_chat', powerLevelContentOverride }, '11');
  const model = () => RoomModel.read(service.database, roomId, rules);
  const setTopic = async (topic: string) =>
    service.send({ roomId, sender: ALICE, type: 'm.room.topic', stateKey: '', content: { topic } });
  const remote = async (event: Pick<Pdu, 'type' | 'content' | 'state_key'>, prev_events: EventId[]) => {
    const known = await model();
    const draft = {
      room_id: roomId,
      sender: EVE,
      origin_server_ts: Date.now(),
      depth: 20,
      ...event,
      prev_events,
    };
    const auth_events = known.authEventsFor(draft as unknown as Pdu, known.stateAfterAll(prev_events));
    const { pdu } = await buildEvent({ ...draft, auth_events }, rules, HS2, remoteKey);
    const input = { roomId, origin: HS2, pdus: [pdu as unknown as JsonObject] };
    expect((await service.accept(input)).results[0]?.outcome).toBe('accepted');
  };
  const known = await model();
  const join = { type: 'm.room.member', state_key: EVE, content: { membership: 'join' } };
  await remote(join, known.headsOf(known.timeline()));
  for (let start = 0; start < MEMBERS; start += 130) {
    const users = Array.from({ length: 130 }, (_, index) => `@user${start + index}:hs1` as UserId);
    await Promise.all(
      users.map((user) => service.membership({ roomId, sender: user, target: user, action: 'join' })),
    );
  }
  const { eventId: base } = await setTopic('before the fork');
  await setTopic('on our side');
  await remote({ type: 'm.room.topic', state_key: '', content: { topic: 'on theirs' } }, [base]);

  const after = await model();
  const expected = after.stateAfterAll(after.headsOf(after.timeline()));
  const room = await new RoomReader(service.database).byId(roomId);
  const state = await new StateReader(service.database).currentState(room?.roomNid ?? 0);
  const stored = new Map(state.map((entry) => [stateKey(entry.type, entry.stateKey), entry.eventId]));
  expect(stored.size).toBeGreaterThan(MEMBERS);
  expect(new Map([...stored].sort())).toEqual(new Map([...expected].sort()));
});
