import { RoomReader, StateReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { rulesOf, stateKey, type RoomVersionRules } from '@atoll/room-rules';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EVE, type RemoteEvent, RemoteServer } from '../remote-server.spec-support.js';
import { RoomModel } from '../room-model.spec-support.js';
import { ALICE, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

/** Enough for the worker thread. */
const MEMBERS = 520;

let service: TestRoomState;
let remote: RemoteServer;
beforeAll(async () => {
  service = await startTestRoomState();
  remote = new RemoteServer(service);
  await remote.publishKey();
});
afterAll(() => service.stop());

it('resolves the fork of a large room in a worker thread to the same state', async () => {
  const rules = rulesOf('11') as RoomVersionRules;
  const powerLevelContentOverride = { users: { [ALICE]: 100, [EVE]: 50 } };
  const roomId = await service.createRoom({ preset: 'public_chat', powerLevelContentOverride }, '11');
  const model = () => RoomModel.read(service.database, roomId, rules);
  const setTopic = async (topic: string) =>
    service.send({ roomId, sender: ALICE, type: 'm.room.topic', stateKey: '', content: { topic } });
  const accept = async (event: RemoteEvent) => {
    expect(await remote.send(roomId, '11', event)).toMatchObject({ outcome: 'accepted' });
  };
  await accept({ type: 'm.room.member', state_key: EVE, content: { membership: 'join' } });
  for (let start = 0; start < MEMBERS; start += 130) {
    const users = Array.from({ length: 130 }, (_, index) => `@user${start + index}:hs1` as UserId);
    await Promise.all(
      users.map((user) => service.membership({ roomId, sender: user, target: user, action: 'join' })),
    );
  }
  const { eventId: base } = await setTopic('before the fork');
  await setTopic('on our side');
  const topic = { type: 'm.room.topic', state_key: '', content: { topic: 'on theirs' } };
  await accept({ ...topic, prev: [base] });

  const after = await model();
  const expected = after.stateAfterAll(after.headsOf(after.timeline()));
  const room = await new RoomReader(service.database).byId(roomId);
  const state = await new StateReader(service.database).currentState(room?.roomNid ?? 0);
  const stored = new Map(state.map((entry) => [stateKey(entry.type, entry.stateKey), entry.eventId]));
  expect(stored.size).toBeGreaterThan(MEMBERS);
  expect(new Map([...stored].sort())).toEqual(new Map([...expected].sort()));
});
