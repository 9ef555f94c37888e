import type { RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EVE, HS2, RemoteServer } from '../remote-server.spec-support.js';
import { ScriptedNetwork } from '../resident-server.spec-support.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

const VERSION = '11';

describe('a restricted room that this server is in with others', () => {
  const network = new ScriptedNetwork();
  let service: TestRoomState;
  let remote: RemoteServer;
  let roomId: RoomId;

  beforeAll(async () => {
    service = await startTestRoomState({ federation: network });
    remote = new RemoteServer(service);
    await remote.publishKey();
  });
  afterAll(() => service.stop());

  const join = (room: RoomId, user: UserId) =>
    service.membership({ roomId: room, sender: user, target: user, action: 'join' });

  /** Eve of the other server may invite, as Alice may; Carol may not; Bob meets the condition. */
  beforeEach(async () => {
    const hall = await service.createRoom({ preset: 'public_chat' });
    await join(hall, BOB);
    const levels = { invite: 50, users: { [ALICE]: 100, [EVE]: 50 } };
    roomId = await service.createRoom({ preset: 'public_chat', powerLevelContentOverride: levels }, VERSION);
    await join(roomId, '@carol:hs1' as UserId);
    await remote.send(roomId, VERSION, {
      ...{ type: 'm.room.member', state_key: EVE, content: { membership: 'join' } },
    });
    const allow = [{ type: 'm.room_membership', room_id: hall }];
    await service.send({
      ...{ roomId, sender: ALICE, type: 'm.room.join_rules', stateKey: '' },
      content: { join_rule: 'restricted', allow },
    });
    network.asked.splice(0);
  });

  it('is entered by authority of a member of this server, where there is one', async () => {
    expect(await join(roomId, BOB)).toEqual({ eventId: expect.any(String) });
    expect(network.asked).toEqual([]);
  });

  it('is else entered with the help of another server', async () => {
    await service.membership({ roomId, sender: ALICE, target: ALICE, action: 'leave' });
    await expect(join(roomId, BOB)).rejects.toMatchObject({ status: 502 });
    expect(network.asked).toEqual([`${HS2} make_join`]);
  });
});
