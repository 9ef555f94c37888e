import { MakeMembership, ReceiveMembership } from '@atoll/contract';
import { RoomRows } from '@atoll/database/testing';
import { badJson, type JsonObject, type RoomId } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { alice, type Asked, bob, startAsked } from './room-reads.spec-support.js';

const MEMBERSHIPS = ['join', 'leave', 'knock'] as const;
const BRINGING = [
  ['v1', 'send_join', 'join'],
  ['v2', 'send_join', 'join'],
  ['v1', 'send_leave', 'leave'],
  ['v2', 'send_leave', 'leave'],
  ['v1', 'send_knock', 'knock'],
] as const;

describe('how users of other servers come and go', () => {
  const roomId = '!room:hs1' as RoomId;
  let asked: Asked;
  let room: RoomRows;
  let joinId: string;
  const request = jest.fn<RoomClient['request']>();

  beforeAll(async () => {
    asked = await startAsked();
    asked.app.get(RoomClient, { strict: false }).request = request as RoomClient['request'];
    room = await RoomRows.create(asked.database, { roomId });
    await room.member(alice, 'join');
    joinId = (await room.member(bob, 'join')).eventId;
  });
  afterAll(() => asked.close());
  beforeEach(() => {
    request.mockReset();
  });

  const pathTo = (version: string, ...parts: string[]) =>
    `/_matrix/federation/${version}/${parts.map(encodeURIComponent).join('/')}`;

  describe.each(MEMBERSHIPS)('GET /make_%s', (membership) => {
    const make = (userId: string = bob, room: string = roomId, query = '') =>
      asked.ask('hs2', 'GET', pathTo('v1', `make_${membership}`, room, userId) + query);

    it('hands over, and gives the event and the version of its room', async () => {
      request.mockResolvedValue({ roomVersion: '12', event: { the: 'event' } });
      expect(await make(bob, roomId, '?ver=11&ver=12')).toMatchObject({
        ...{ status: 200, body: { room_version: '12', event: { the: 'event' } } },
      });
      const versions = membership === 'leave' ? {} : { versions: ['11', '12'] };
      const input = { roomId, userId: bob, membership, ...versions };
      expect(request.mock.calls).toEqual([[MakeMembership, input]]);
    });

    it.each([
      ['a user id with a port that is no number', '@bob:hs2:port', roomId, 400],
      ['no user id', 'bob', roomId, 400],
      ['no room id', bob, 'room', 400],
      ['a user of another server', '@gus:hs3', roomId, 403],
      ['a room that this server is not in', bob, '!other:hs1', 404],
    ])('refuses %s', async (_, userId, inRoom, status) => {
      expect(await make(userId, inRoom)).toMatchObject({ status });
      expect(request).not.toHaveBeenCalled();
    });
  });

  it.each(['v1', 'v2'])('bounds invites of one user (PUT /%s/invite)', async (version) => {
    request.mockResolvedValue({ pdu: '{}' });
    const invite = async (user: string) => {
      const event = { type: 'm.room.member', state_key: user };
      const content = version === 'v1' ? event : { event, room_version: '12' };
      return asked.ask('hs2', 'PUT', pathTo(version, 'invite', '!new:hs2', joinId), content);
    };
    const [often, other] = [`@often-${version}:hs1`, `@other-${version}:hs1`];
    for (let i = 0; i < 10; i++) expect((await invite(often)).status).toBe(200);
    request.mockClear();
    expect(await invite(often)).toMatchObject({
      status: 429,
      body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) },
      headers: { 'retry-after': expect.any(String) },
    });
    expect(request).not.toHaveBeenCalled();
    expect((await invite(other)).status).toBe(200);
  });

  describe.each(BRINGING)('PUT /%s/%s', (version, endpoint, membership) => {
    const bring = (event: JsonObject = { the: 'event' }, eventId = joinId, room: string = roomId) =>
      asked.ask('hs2', 'PUT', pathTo(version, endpoint, room, eventId), event);

    it('hands over, and answers in the form of its version', async () => {
      request.mockResolvedValue({ pdu: '{"the":"event"}' });
      const { status, body } = await bring();
      expect(status).toBe(200);
      const input = { roomId, origin: 'hs2', eventId: joinId, membership, pdu: '{"the":"event"}' };
      expect(request.mock.calls).toEqual([[ReceiveMembership, input, expect.anything()]]);
      const answers = { join: { event: { the: 'event' } }, leave: {}, knock: { knock_room_state: [] } };
      const isListed = version === 'v1' && membership !== 'knock';
      expect(body).toMatchObject(isListed ? [200, answers[membership]] : answers[membership]);
    });

    it('gives the error of what it brings', async () => {
      request.mockRejectedValue(badJson('No member event'));
      expect(await bring()).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    });

    it.each([
      ['no event id', 'event', roomId, 400],
      ['a room that this server is not in', '$event', '!other:hs1', 404],
    ])('refuses %s', async (_, eventId, inRoom, status) => {
      expect(await bring({}, eventId, inRoom)).toMatchObject({ status });
      expect(request).not.toHaveBeenCalled();
    });
  });

  it('refuse a server that the access control list shuts out', async () => {
    await room.state('m.room.server_acl', alice, { allow: ['*'], deny: ['hs2'] });
    const answers = await Promise.all([
      ...MEMBERSHIPS.map((one) => asked.ask('hs2', 'GET', pathTo('v1', `make_${one}`, roomId, bob))),
      ...BRINGING.map(([version, endpoint]) =>
        asked.ask('hs2', 'PUT', pathTo(version, endpoint, roomId, joinId), {}),
      ),
    ]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    }
    expect(request).not.toHaveBeenCalled();
  });
});
