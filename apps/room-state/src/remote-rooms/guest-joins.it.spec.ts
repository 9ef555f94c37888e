import type { FederationClient } from '@atoll/federation-client';
import { RoomReader } from '@atoll/database';
import type { JsonObject, ServerName, UserId } from '@atoll/matrix';
import { afterEach, expect, it } from '@jest/globals';
import { BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { LargeRoom } from './large-room.spec-support.js';

const GUEST = '@guest:hs1' as UserId;
const NOT_FOR_GUESTS = { status: 403, errcode: 'M_GUEST_ACCESS_FORBIDDEN' };

let room: LargeRoom;
let service: TestRoomState;
let asked: string[];
/** What the server says of the room, if anything. */
let summary: JsonObject | undefined;

const federation: Pick<FederationClient, 'send' | 'sendForBytes'> = {
  send: (server, method, path, ...rest) => {
    const [, , , , endpoint = ''] = path.split('?')[0]?.split('/') ?? [];
    asked.push(endpoint);
    if (endpoint === 'hierarchy' && summary)
      return Promise.resolve({ outcome: 'answered', status: 200, body: { room: summary } });
    return room.federation.send(server, method, path, ...rest);
  },
  sendForBytes: (...question) => {
    asked.push('send_join');
    return room.federation.sendForBytes(...question);
  },
};

async function start(guestAccess?: string): Promise<void> {
  asked = [];
  summary = undefined;
  room = await LargeRoom.make({ members: 2, servers: 1, ...(guestAccess !== undefined && { guestAccess }) });
  service = await startTestRoomState({ federation });
  await service.guest(GUEST);
  await room.publishKeys(service);
}
afterEach(() => service.stop());

const join = (user: UserId) =>
  service.membership({
    ...{ roomId: room.roomId, sender: user, target: user, action: 'join', via: ['s0' as ServerName] },
  });
const membership = async () => {
  const reader = new RoomReader(service.database);
  return (await reader.membershipOf(GUEST, (await reader.byId(room.roomId))?.roomNid ?? 0))?.membership;
};

it('a guest joins a room of other servers that lets guests in', async () => {
  await start('can_join');
  await expect(join(GUEST)).resolves.toEqual({ eventId: expect.any(String) });
  expect(asked).toEqual(['hierarchy', 'make_join', 'send_join']);
  expect(await membership()).toBe('join');
});

it.each([undefined, 'forbidden'])(
  'no guest joins one whose access is %s, as soon as that is known',
  async (access) => {
    await start(access);
    summary = { guest_can_join: false };
    await expect(join(GUEST)).rejects.toMatchObject(NOT_FOR_GUESTS);
    expect(asked).toEqual(['hierarchy']);

    // A server that does not say, or says what is not true: the state tells. The others are told that the guest is not there.
    for (const said of [undefined, { guest_can_join: true }]) {
      asked = [];
      summary = said;
      await expect(join(GUEST)).rejects.toMatchObject(NOT_FOR_GUESTS);
      expect(asked).toEqual(['hierarchy', 'make_join', 'send_join', 'make_leave']);
    }
    expect(await membership()).toBeUndefined();
  },
);

it('of others nothing is asked', async () => {
  await start();
  await expect(join(BOB)).resolves.toEqual({ eventId: expect.any(String) });
  expect(asked).toEqual(['make_join', 'send_join']);
});
