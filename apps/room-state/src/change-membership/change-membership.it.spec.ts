import { EventReader, RoomReader } from '@atoll/database';
import type { EventId, JsonObject, RoomId, UserId } from '@atoll/matrix';
import type { MembershipAction } from '@atoll/contract';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

const CAROL = '@carol:hs1' as UserId;

describe('changing a membership', () => {
  let service: TestRoomState;
  beforeAll(async () => {
    service = await startTestRoomState();
  });
  afterAll(() => service.stop());

  const change = (
    roomId: RoomId,
    sender: UserId,
    action: MembershipAction,
    target: UserId,
    content: JsonObject = {},
  ) => service.membership({ roomId, sender, target, action, content });
  const indexed = async (roomId: RoomId, user: UserId) => {
    const reader = new RoomReader(service.database);
    return (await reader.membershipOf(user, (await reader.byId(roomId))?.roomNid ?? 0))?.membership;
  };
  const contentOf = async (eventId: EventId | null) =>
    (await new EventReader(service.database).byIds([eventId as EventId])).get(eventId as EventId)?.pdu
      .content;
  const joinRule = (roomId: RoomId, content: JsonObject) =>
    service.send({ roomId, sender: ALICE, type: 'm.room.join_rules', stateKey: '', content });

  it('remembers the transaction of a join with the event', async () => {
    const transaction = { deviceId: 'D', scope: 's', id: 'join' };
    const roomId = await service.createRoom({ preset: 'public_chat' });
    const join = { ...{ roomId, sender: BOB, target: BOB, transaction }, action: 'join' } as const;
    const joined = await service.membership(join);
    const reader = new EventReader(service.database);
    expect(await reader.idByTransaction({ userId: BOB, ...transaction })).toBe(joined.eventId);
    await change(roomId, BOB, 'leave', BOB);
    expect(await service.membership(join)).toEqual(joined);
    expect(await indexed(roomId, BOB)).toBe('leave');
  });

  it('finds the answer of an instance that knew only the command', async () => {
    const roomId = await service.createRoom({ preset: 'public_chat' });
    const join = { ...{ roomId, sender: BOB, target: BOB }, action: 'join' } as const;
    const joined = await service.membership(join, 'delayed');
    await change(roomId, BOB, 'leave', BOB);
    const transaction = { deviceId: 'D', scope: 's', id: 'old' };
    expect(await service.membership({ ...join, transaction }, 'delayed')).toEqual(joined);
  });

  /** The way that a target came to where it is, and what each action of the moderator, or its own, makes of it. */
  const OK = 'ok';
  const NO = 403;
  it.each<[string, [UserId, MembershipAction][], Partial<Record<string, number | string>>]>([
    ['nobody', [], { kick: NO, unban: NO, ban: OK, 'own leave': NO, 'own join': NO, 'own knock': NO }],
    [
      'invited',
      [[ALICE, 'invite']],
      { kick: OK, unban: NO, invite: OK, ban: OK, 'own leave': OK, 'own join': OK },
    ],
    [
      'joined',
      [
        [ALICE, 'invite'],
        [BOB, 'join'],
      ],
      { kick: OK, unban: NO, invite: NO, ban: OK, 'own leave': OK, 'own join': 'nothing', 'own invite': NO },
    ],
    [
      'left',
      [
        [ALICE, 'invite'],
        [BOB, 'leave'],
      ],
      { kick: NO, unban: NO, invite: OK, ban: OK, 'own leave': 'nothing', 'own join': NO },
    ],
    [
      'banned',
      [[ALICE, 'ban']],
      { kick: NO, unban: OK, invite: NO, 'own leave': NO, 'own join': NO, 'own knock': NO },
    ],
  ])('of somebody %s', async (_, way, expected) => {
    for (const [name, outcome] of Object.entries(expected)) {
      const roomId = await service.createRoom();
      for (const [sender, action] of way) await change(roomId, sender, action, BOB);
      const [own, action] = name.startsWith('own ') ? [true, name.slice(4)] : [false, name];
      const result = await change(roomId, own ? BOB : ALICE, action as MembershipAction, BOB).then(
        ({ eventId }) => (eventId === null ? 'nothing' : OK),
        (error: unknown) => (error as { status: number }).status,
      );
      expect({ [name]: result }).toEqual({ [name]: outcome });
    }
  });

  it('knocks where that is allowed, again with another reason, and not from inside', async () => {
    const roomId = await service.createRoom();
    await joinRule(roomId, { join_rule: 'knock' });
    const knock = (reason: string) =>
      service.membership({ roomId, sender: BOB, target: BOB, action: 'knock', reason });
    await knock('please');
    expect(await contentOf((await knock('please!')).eventId)).toEqual({
      membership: 'knock',
      reason: 'please!',
    });
    expect(await indexed(roomId, BOB)).toBe('knock');
    await change(roomId, ALICE, 'invite', BOB);
    await expect(knock('again')).rejects.toMatchObject({ status: 403 });
    await change(roomId, BOB, 'join', BOB);
    await expect(knock('again')).rejects.toMatchObject({ status: 403 });
  });

  it('joins once, unless the join brings other content', async () => {
    const roomId = await service.createRoom({ preset: 'public_chat' });
    await change(roomId, BOB, 'join', BOB);
    const custom = await change(roomId, BOB, 'join', BOB, { 'x.custom': 1 });
    expect(await contentOf(custom.eventId)).toEqual({ membership: 'join', 'x.custom': 1 });
    expect(await change(roomId, BOB, 'join', BOB, { 'x.custom': 1 })).toEqual({ eventId: null });
  });

  it('only lets users be members', async () => {
    const roomId = await service.createRoom();
    await expect(change(roomId, ALICE, 'invite', 'bob' as UserId)).rejects.toMatchObject({ status: 400 });
  });

  describe('in a restricted room', () => {
    const restricted = async (allow: unknown, levels: JsonObject = {}) => {
      const roomId = await service.createRoom({ powerLevelContentOverride: levels }, '11');
      await joinRule(roomId, { join_rule: 'restricted', allow } as JsonObject);
      return roomId;
    };
    const condition = (roomId: RoomId) => ({ type: 'm.room_membership', room_id: roomId });
    const lobby = async () => {
      const roomId = await service.createRoom({ preset: 'public_chat' });
      await change(roomId, BOB, 'join', BOB);
      return roomId;
    };

    it('lets in who meets a condition, by a member who is joined and may invite', async () => {
      const hall = await lobby();
      const roomId = await restricted([condition(hall)], { invite: 50 });
      await change(roomId, ALICE, 'invite', CAROL);
      await change(roomId, CAROL, 'join', CAROL);
      const { eventId } = await change(roomId, BOB, 'join', BOB, {
        join_authorised_via_users_server: CAROL,
      });
      expect(await contentOf(eventId)).toEqual({
        membership: 'join',
        join_authorised_via_users_server: ALICE,
      });
      const renamed = await change(roomId, BOB, 'update-profile', BOB, { displayname: 'B' });
      expect(await contentOf(renamed.eventId)).toEqual({ membership: 'join', displayname: 'B' });
    });

    it('lets nobody in when no member who may invite is there', async () => {
      const hall = await lobby();
      const roomId = await restricted([condition(hall)], { invite: 50 });
      await change(roomId, ALICE, 'invite', CAROL);
      await change(roomId, CAROL, 'join', CAROL);
      await change(roomId, ALICE, 'leave', ALICE);
      await expect(change(roomId, BOB, 'join', BOB)).rejects.toMatchObject({ status: 403 });
    });

    it('finds any member where everybody may invite', async () => {
      const hall = await lobby();
      const roomId = await restricted([condition(hall)]);
      await change(roomId, ALICE, 'invite', CAROL);
      await change(roomId, CAROL, 'join', CAROL);
      await change(roomId, ALICE, 'leave', ALICE);
      const { eventId } = await change(roomId, BOB, 'join', BOB);
      expect((await contentOf(eventId))?.['join_authorised_via_users_server']).toBe(CAROL);
    });

    it.each([
      ['no list', 'everyone'],
      [
        'nonsense in the list',
        [null, 7, { type: 'm.room_membership' }, { type: 'm.room_membership', room_id: 7 }],
      ],
      ['a room id that no column holds', [{ type: 'm.room_membership', room_id: '!\0:hs1' }]],
    ])('refuses a join by %s', async (_, allow) => {
      const roomId = await restricted(allow);
      await expect(change(roomId, BOB, 'join', BOB)).rejects.toMatchObject({ status: 403 });
    });
  });
});
