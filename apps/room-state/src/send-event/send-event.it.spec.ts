import { EventReader } from '@atoll/database';
import type { CommandInput, SendEvent } from '@atoll/contract';
import type { EventId, RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

const CAROL = '@carol:hs1' as UserId;

describe('sending an event', () => {
  let service: TestRoomState;
  let roomId: RoomId;
  beforeAll(async () => {
    service = await startTestRoomState();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    roomId = await service.createRoom({ preset: 'public_chat' });
    await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
  });

  const send = (input: Partial<CommandInput<typeof SendEvent>>) =>
    service.send({ roomId, sender: ALICE, type: 'm.room.message', content: {}, ...input });
  const stored = async (eventId: EventId) =>
    (await new EventReader(service.database).byIds([eventId])).get(eventId);
  const redact = (redacts: EventId, sender: UserId) =>
    send({ sender, type: 'm.room.redaction', content: { reason: 'x' }, redacts });

  it.each([
    ['a fraction', { n: 1.5 }],
    ['an integer beyond 2^53', { n: 2 ** 53 }],
    ['a lone surrogate', { s: '\ud800' }],
  ])('refuses %s', async (_, content) => {
    await expect(send({ content })).rejects.toMatchObject({ status: 400, errcode: 'M_BAD_JSON' });
  });

  it('counts the signature into the size', async () => {
    const bytes = async (length: number) => {
      const { eventId } = await send({ content: { body: 'x'.repeat(length) } });
      return JSON.stringify((await stored(eventId))?.pdu).length;
    };
    const overhead = (await bytes(1000)) - 1000;
    expect(await bytes(65_536 - overhead)).toBe(65_536);
    await expect(bytes(65_537 - overhead)).rejects.toMatchObject({ status: 413, errcode: 'M_TOO_LARGE' });
    const body = 'x'.repeat(65_537);
    await expect(send({ type: 'a', stateKey: '', content: { body } })).rejects.toMatchObject({ status: 413 });
    await expect(send({ type: 't'.repeat(256) })).rejects.toMatchObject({ status: 413 });
  });

  it('refuses what no column holds, without harm to the commands beside it', async () => {
    const transaction = (id: string) => ({ deviceId: 'D', scope: 's', id });
    const beside = Promise.all(
      Array.from({ length: 5 }, (_, i) => send({ transaction: transaction(`${i}`) })),
    );
    const nul = { status: 400, errcode: 'M_INVALID_PARAM' };
    await expect(send({ transaction: transaction('\0') })).rejects.toMatchObject(nul);
    await expect(send({ type: 'a\0' })).rejects.toMatchObject(nul);
    await expect(send({ type: 'a', stateKey: '\0' })).rejects.toMatchObject(nul);
    expect(await beside).toHaveLength(5);
  });

  it('remembers the transaction of any event, memberships too', async () => {
    const transaction = { deviceId: 'D', scope: 's', id: 'kick' };
    const kick = {
      type: 'm.room.member',
      stateKey: BOB,
      content: { membership: 'leave', reason: 'x' },
      transaction,
    };
    const { eventId } = await send(kick);
    expect((await stored(eventId))?.transaction).toEqual({ deviceId: 'D', id: 'kick' });
    await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
    expect(await send(kick)).toEqual({ eventId });
  });

  it('keeps the time that it is given', async () => {
    const { eventId } = await send({ originServerTs: 1234 });
    expect((await stored(eventId))?.pdu.origin_server_ts).toBe(1234);
  });

  it.each(['m.room.create', 'm.room.member'])(
    'lets nobody send %s without or beside its own rules',
    async (type) => {
      await expect(send({ type })).rejects.toMatchObject({ status: 403 });
      await expect(send({ type, stateKey: '', content: { membership: 'join' } })).rejects.toMatchObject({
        status: type === 'm.room.create' ? 403 : 400,
      });
    },
  );

  it('refuses state of somebody else, and identical state of somebody who has left', async () => {
    const state = { type: 'x.own', stateKey: BOB, content: { a: 1 } };
    await send({ type: 'm.room.power_levels', stateKey: '', content: { state_default: 0, users: {} } });
    await expect(send(state)).rejects.toMatchObject({ status: 403 });
    const first = await send({ ...state, sender: BOB });
    expect(await send({ ...state, sender: BOB })).toEqual(first);
    await service.membership({ roomId, sender: BOB, target: BOB, action: 'leave' });
    await expect(send({ ...state, sender: BOB })).rejects.toMatchObject({ status: 403 });
  });

  it('redacts own events, others only with power, again without harm', async () => {
    const own = await send({ sender: BOB, content: { body: 'mine' } });
    const others = await send({ content: { body: 'hers' } });
    await expect(redact(others.eventId, BOB)).rejects.toMatchObject({ status: 403 });
    const first = await redact(own.eventId, BOB);
    await redact(own.eventId, ALICE);
    expect((await stored(own.eventId))?.redactedBecause?.eventId).toBe(first.eventId);
    const topic = await send({ type: 'm.room.topic', stateKey: '', content: { topic: 't' } });
    await redact(topic.eventId, ALICE);
    expect((await stored(topic.eventId))?.redactedBecause).toBeDefined();
  });

  it('never redacts the create event or the server ACL, and nothing of another room', async () => {
    const { rows } = await service.database.pool.query<{ event_id: EventId }>(
      `SELECT event_id FROM events JOIN rooms USING (room_nid) WHERE type_nid = 2 AND room_id = $1`,
      [roomId],
    );
    await expect(redact(rows[0]?.event_id as EventId, ALICE)).rejects.toMatchObject({ status: 403 });
    const acl = await send({ type: 'm.room.server_acl', stateKey: '', content: { allow: ['*'] } });
    await expect(redact(acl.eventId, ALICE)).rejects.toMatchObject({ status: 403 });
    const elsewhere = await service.message(await service.createRoom(), ALICE, 'x');
    await expect(redact(elsewhere.eventId, ALICE)).rejects.toMatchObject({ status: 404 });
  });

  it.each(['10', '12'])(
    'sends the redaction of an event that others have, in version %s',
    async (version) => {
      roomId = await service.createRoom({}, version);
      const unknown = `$${'a'.repeat(43)}` as EventId;
      const { eventId } = await redact(unknown, ALICE);
      const pdu = (await stored(eventId))?.pdu;
      expect(version === '10' ? pdu?.redacts : pdu?.content['redacts']).toBe(unknown);
      const inContent = await send({ type: 'm.room.redaction', content: { redacts: unknown } });
      const other = (await stored(inContent.eventId))?.pdu;
      expect(version === '10' ? other?.redacts : other?.content['redacts']).toBe(unknown);
    },
  );

  it('treats a member event as the change of membership that it is', async () => {
    const member = (sender: UserId, target: UserId, membership: string, extra = {}) =>
      send({ sender, type: 'm.room.member', stateKey: target, content: { membership, ...extra } });
    await expect(member(ALICE, CAROL, 'leave')).rejects.toMatchObject({ status: 403 });
    const joined = await member(BOB, BOB, 'join');
    expect((await stored(joined.eventId))?.pdu.sender).toBe(BOB);
    expect(await member(BOB, BOB, 'join')).toEqual(joined);
    const invite = await member(ALICE, CAROL, 'invite', { third_party_invite: { signed: {} } });
    expect((await stored(invite.eventId))?.pdu.content).toEqual({ membership: 'invite' });
    await member(ALICE, CAROL, 'leave');
    await member(ALICE, CAROL, 'ban');
    await expect(member(CAROL, CAROL, 'join')).rejects.toMatchObject({ status: 403 });
    await member(ALICE, CAROL, 'leave', { reason: 'forgiven' });
    await expect(member(ALICE, CAROL, 'owner')).rejects.toMatchObject({ status: 400 });
  });

  it('signs no authorisation that a client claims for itself', async () => {
    const hidden = await service.createRoom();
    const restricted = await service.createRoom({
      initialState: [
        {
          type: 'm.room.join_rules',
          stateKey: '',
          content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: hidden }] },
        },
      ],
    });
    const forged = { membership: 'join', join_authorised_via_users_server: ALICE };
    const join = { roomId: restricted, sender: BOB, type: 'm.room.member', stateKey: BOB, content: forged };
    await expect(send(join)).rejects.toMatchObject({ status: 403 });
  });
});
