import { ExchangeThirdPartyInvite } from '@atoll/contract';
import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BoundInvites } from './on-bind-third-party-identifier/bound-invites.js';
import { alice, type Asked, bob, federationPath, startAsked } from './room-reads.spec-support.js';

describe('third-party invites', () => {
  const roomId = '!room:hs1' as RoomId;
  let asked: Asked;
  let room: RoomRows;

  beforeAll(async () => {
    asked = await startAsked();
    room = await RoomRows.create(asked.database, { roomId });
    await room.member(alice, 'join');
    await asked.database.db
      .insertInto('users')
      .values({ user_id: alice, password_hash: null, created_ts: 0 })
      .execute();
  });
  afterAll(() => asked.close());

  const signedFor = (mxid: UserId): JsonObject => ({
    mxid,
    token: 'abc',
    signatures: { 'identity.example': { 'ed25519:0': 'x' } },
  });

  describe('exchanged', () => {
    const request = jest.fn<RoomClient['request']>();
    beforeAll(() => {
      asked.app.get(RoomClient, { strict: false }).request = request as RoomClient['request'];
    });
    beforeEach(() => {
      request.mockReset().mockResolvedValue({ eventId: null });
    });

    const content = (signed: JsonObject): JsonObject => ({
      membership: 'invite',
      third_party_invite: { display_name: 'b…', signed },
    });
    const event = (more: JsonObject = {}): JsonObject => ({
      ...{ type: 'm.room.member', room_id: roomId, sender: alice, state_key: bob },
      content: content(signedFor(bob)),
      ...more,
    });
    const exchange = (body: JsonObject, origin: 'hs2' | 'hs3' = 'hs2', id: string = roomId) =>
      asked.ask(origin, 'PUT', federationPath(['exchange_third_party_invite', id]), body);

    it('hands over what the identity server signed, as it came', async () => {
      const signed = { ...signedFor(bob), more: { b: 1 } };
      const answer = await exchange(
        event({ content: { membership: 'invite', third_party_invite: { signed } } }),
      );
      expect(answer).toMatchObject({ status: 200, text: '{}' });
      expect(request.mock.calls).toEqual([
        [ExchangeThirdPartyInvite, { roomId, sender: alice, target: bob, signed }, expect.anything()],
      ]);
    });

    it.each<[string, () => JsonObject]>([
      ['another type', () => event({ type: 'm.room.topic' })],
      ['another membership', () => event({ content: { ...content(signedFor(bob)), membership: 'join' } })],
      ['another room', () => event({ room_id: '!other:hs1' })],
      ['another user than the signed one', () => event({ content: content(signedFor(alice)) })],
      ['no user', () => event({ state_key: 'bob' })],
      ['a sender that is none', () => event({ sender: '@alice:hs1:x' })],
      ['nothing signed', () => event({ content: { membership: 'invite' } })],
      ['no signatures', () => event({ content: content({ mxid: bob, token: 'abc' }) })],
    ])('refuses %s', async (_, body) => {
      expect(await exchange(body())).toMatchObject({ status: 400 });
      expect(request).not.toHaveBeenCalled();
    });

    it('refuses whoever is not the server of the invited user', async () => {
      expect(await exchange(event(), 'hs3')).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      expect(request).not.toHaveBeenCalled();
    });

    it('knows nothing of rooms that this server is not in', async () => {
      const other = event({ room_id: '!other:hs1' });
      expect(await exchange(other, 'hs2', '!other:hs1')).toMatchObject({
        ...{ status: 404, body: { errcode: 'M_NOT_FOUND' } },
      });
      expect(request).not.toHaveBeenCalled();
    });

    it('refuses a server that the access control list shuts out', async () => {
      await room.state('m.room.server_acl', alice, { allow: ['*'], deny: ['hs2'] });
      expect(await exchange(event())).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      await room.state('m.room.server_acl', alice, { allow: ['*'] });
      expect(request).not.toHaveBeenCalled();
    });
  });

  describe('reported by an identity server', () => {
    const exchange = jest.fn<BoundInvites['exchange']>();
    beforeAll(() => {
      asked.app.get(BoundInvites, { strict: false }).exchange = exchange;
    });
    beforeEach(() => {
      exchange.mockReset().mockResolvedValue();
    });

    const address = { medium: 'email', address: 'alice@example.com' };
    const invite = (more: JsonObject = {}): JsonObject => ({
      ...{ ...address, mxid: alice, room_id: '!room:hs2', sender: bob, signed: signedFor(alice) },
      ...more,
    });
    const report = (invites: JsonObject[], mxid: string = alice) =>
      asked.askUnsigned(federationPath(['3pid', 'onbind']), 'PUT', { ...address, mxid, invites });

    it('are taken without a signature', async () => {
      expect(await report([invite()])).toMatchObject({ status: 200, text: '{}' });
      expect(exchange.mock.calls).toMatchObject([
        [[{ mxid: alice, room_id: '!room:hs2', sender: bob, signed: signedFor(alice) }]],
      ]);
    });

    it.each<[string, number, string, JsonObject[]]>([
      ['too many', 400, alice, Array.from({ length: 31 }, () => invite())],
      ['one of another user', 400, alice, [invite({ mxid: bob })]],
      ['one that was signed for another user', 400, alice, [invite({ signed: signedFor(bob) })]],
      ['one that is not signed', 400, alice, [invite({ signed: null })]],
      ['one of no room', 400, alice, [invite({ room_id: 'room' })]],
      ['those of a user with a port that is no number', 400, '@alice:hs1:x', []],
      ['those of a user who does not exist', 404, '@nobody:hs1', []],
      ['those of a user of another server', 404, bob, []],
    ])('refuses %s', async (_, status, mxid, invites) => {
      expect(await report(invites, mxid)).toMatchObject({ status });
      expect(exchange).not.toHaveBeenCalled();
    });
  });
});
