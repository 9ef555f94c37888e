import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

const CAROL = '@carol:hs1' as UserId;
const BLOCKED = { status: 403, errcode: 'M_INVITE_BLOCKED' };
const INVITE = { membership: 'invite' };

let service: TestRoomState;
let roomId: RoomId;
beforeAll(async () => {
  service = await startTestRoomState();
  roomId = await service.createRoom();
  await service.accountData(BOB, 'm.invite_permission_config', { default_action: 'block' });
  await service.accountData(CAROL, 'org.matrix.msc4155.invite_permission_config', { ignored_users: [ALICE] });
});
afterAll(() => service.stop());

const rooms = async () => (await service.database.db.selectFrom('rooms').select('room_id').execute()).length;
const writtenInvite = (target: string, content: JsonObject = INVITE) =>
  service.send({ roomId, sender: ALICE, type: 'm.room.member', stateKey: target, content });

describe('a user who blocks invites', () => {
  it('is not invited, in any way', async () => {
    const invite = service.membership({ roomId, sender: ALICE, target: BOB, action: 'invite' });
    await expect(invite).rejects.toMatchObject(BLOCKED);
    await expect(writtenInvite(BOB)).rejects.toMatchObject(BLOCKED);
  });

  it('is told of nothing else than invites', async () => {
    await expect(writtenInvite(BOB, { membership: 'ban' })).resolves.toMatchObject({
      eventId: expect.any(String),
    });
    const unban = service.membership({ roomId, sender: ALICE, target: BOB, action: 'unban' });
    await expect(unban).resolves.toMatchObject({ eventId: expect.any(String) });
  });

  it.each<[string, Parameters<TestRoomState['createRoom']>[0]]>([
    ['invited', { invite: [CAROL, BOB].map((userId) => ({ userId, profile: {} })) }],
    [
      'invited by the initial state',
      { initialState: [{ type: 'm.room.member', stateKey: BOB, content: INVITE }] },
    ],
  ])('has a room not be made into which they are %s', async (_, options) => {
    const before = await rooms();
    await expect(service.createRoom(options)).rejects.toMatchObject(BLOCKED);
    expect(await rooms()).toBe(before);
  });
});

it('an invite that is to be ignored is made', async () => {
  const invite = await service.membership({ roomId, sender: ALICE, target: CAROL, action: 'invite' });
  expect(invite).toMatchObject({ eventId: expect.any(String) });
});
