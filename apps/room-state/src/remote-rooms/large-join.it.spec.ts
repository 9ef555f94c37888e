import { randomUUID } from 'node:crypto';
import { REMOTE_MEMBERSHIP_TIMEOUT_MS } from '@atoll/contract';
import { RoomReader, RoomTransactor, StateReader } from '@atoll/database';
import type { RoomId, ServerName } from '@atoll/matrix';
import { CommandContext } from '@atoll/redis-streams';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { ChangeMembershipHandler } from '../change-membership/change-membership.handler.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { LargeRoom } from './large-room.spec-support.js';

const MEMBERS = 10_000;
const TIMEOUT_MS = 120_000;

let room: LargeRoom;
let service: TestRoomState;
beforeAll(async () => {
  room = await LargeRoom.make({ members: MEMBERS, servers: 200 });
  service = await startTestRoomState({ federation: room.federation });
  await room.publishKeys(service);
}, TIMEOUT_MS);
afterAll(() => service.stop());

/** With the time that a caller gives such a join. */
function joinBy(server: ServerName, roomId: RoomId) {
  const input = { roomId, sender: BOB, target: BOB, action: 'join' as const, content: {}, via: [server] };
  const deadline = Date.now() + REMOTE_MEMBERSHIP_TIMEOUT_MS;
  const context = new CommandContext('room.change-membership', randomUUID(), deadline, 0, 1, 1);
  return service.module.get(ChangeMembershipHandler).handle(input, context);
}

/** The commit of the join waits until it is let go. */
function holdJoin() {
  const transactor = service.module.get(RoomTransactor);
  const real = transactor.commit.bind(transactor);
  const { promise: held, resolve } = Promise.withResolvers<undefined>();
  const letGo = () => {
    resolve(undefined);
  };
  const join = { isReached: false, letGo };
  jest.spyOn(transactor, 'commit').mockImplementation(async (batch) => {
    join.isReached ||= batch.events.some(({ seed }) => seed !== undefined);
    if (batch.events.every(({ seed }) => seed === undefined)) return real(batch);
    join.isReached = true;
    await held;
    return real(batch);
  });
  return join;
}

it(
  'joins a large room with its whole state, while another room takes messages',
  async () => {
    const ours = await service.createRoom();
    const { roomId } = room;
    const joining = { isDone: false };
    const join = joinBy('s0' as ServerName, roomId).finally(() => (joining.isDone = true));
    const commit = holdJoin();
    let messages = 0;
    let meanwhile = 0;
    while (!joining.isDone) {
      await service.message(ours, ALICE, `message ${messages}`);
      messages += 1;
      if (commit.isReached) meanwhile += 1;
      if (meanwhile === 10) commit.letGo();
    }
    expect(meanwhile).toBeGreaterThanOrEqual(10);
    const { eventId } = await join;
    expect(messages).toBeGreaterThan(100);

    const stored = await new RoomReader(service.database).byId(roomId);
    const state = await new StateReader(service.database).currentState(stored?.roomNid ?? 0);
    const expected = [...room.state.map((event) => event.eventId), eventId];
    expect(state.map((entry) => entry.eventId).sort()).toEqual(expected.sort());
    const local = await service.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
      .select('k.state_key as user')
      .where('m.room_nid', '=', stored?.roomNid ?? 0)
      .where('m.is_remote', '=', false)
      .execute();
    expect(local).toEqual([{ user: BOB }]);
    await expect(service.message(roomId, BOB, 'hello')).resolves.toHaveProperty('eventId');
  },
  TIMEOUT_MS,
);
