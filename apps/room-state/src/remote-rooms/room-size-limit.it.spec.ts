import type { FederationClient } from '@atoll/federation-client';
import { RoomReader } from '@atoll/database';
import type { JsonObject, ServerName } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { LargeRoom } from './large-room.spec-support.js';

const TOO_LARGE = { status: 403, errcode: 'M_RESOURCE_LIMIT_EXCEEDED' };
/** Create event, creator, power levels and join rules come on top. */
const MEMBERS = 6;

let room: LargeRoom;
let service: TestRoomState;
let asked: string[] = [];
/** What the server says of the size, if anything. */
let size: JsonObject | undefined;

const federation: Pick<FederationClient, 'send' | 'sendForBytes'> = {
  send: (server, method, path, ...rest) => {
    const [, , , , endpoint = '', , last] = path.split('?')[0]?.split('/') ?? [];
    asked.push(endpoint === 'rooms' ? (last ?? '') : endpoint);
    if (endpoint === 'rooms' && size)
      return Promise.resolve({ outcome: 'answered', status: 200, body: size });
    return room.federation.send(server, method, path, ...rest);
  },
  sendForBytes: (...question) => {
    asked.push('send_join');
    return room.federation.sendForBytes(...question);
  },
};

beforeAll(async () => {
  room = await LargeRoom.make({ members: MEMBERS, servers: 2 });
});
beforeEach(() => {
  asked = [];
  size = undefined;
});
afterAll(() => service.stop());

async function start(maxState: number): Promise<void> {
  service = await startTestRoomState({ federation, env: { ATOLL_MAX_JOINED_ROOM_STATE: String(maxState) } });
  await room.publishKeys(service);
}
const join = () =>
  service.membership({
    ...{ roomId: room.roomId, sender: BOB, target: BOB, action: 'join', via: ['s0' as ServerName] },
  });
const membership = async () => {
  const reader = new RoomReader(service.database);
  return (await reader.membershipOf(BOB, (await reader.byId(room.roomId))?.roomNid ?? 0))?.membership;
};

it('a room that is larger than allowed is not joined, as soon as that is known', async () => {
  await start(MEMBERS + 3);
  size = { v1: 0.02 };
  await expect(join()).rejects.toMatchObject(TOO_LARGE);
  expect(asked).toEqual(['complexity']);

  // A server that does not say, or says nothing of use: the state tells. The others are told that the user is not there.
  for (const said of [undefined, { v1: 'large' }, { v1: 0.01 }]) {
    asked = [];
    size = said;
    await expect(join()).rejects.toMatchObject(TOO_LARGE);
    expect(asked).toEqual(['complexity', 'make_join', 'send_join', 'make_leave']);
  }
  expect(await membership()).toBeUndefined();
  await service.stop();
});

it('one that is as large as allowed is joined', async () => {
  await start(MEMBERS + 4);
  size = { v1: 0.02 };
  await expect(join()).resolves.toEqual({ eventId: expect.any(String) });
  expect(await membership()).toBe('join');
});
