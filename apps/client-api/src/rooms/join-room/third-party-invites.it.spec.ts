import { ChangeMembership, ExchangeThirdPartyInvite } from '@atoll/contract';
import { RoomRows } from '@atoll/database/testing';
import { forbidden, type JsonObject, type RoomId, type UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import {
  ALICE,
  answered,
  BOB,
  CAROL,
  refused,
  type RoomsApp,
  startRoomsApp,
} from '../rooms-app.spec-support.js';

const DAN = '@dan:hs2' as UserId;
const ROOM = '!invited:hs1' as RoomId;

let app: RoomsApp;

beforeAll(async () => {
  app = await startRoomsApp();
  const room = await RoomRows.create(app.database, { roomId: ROOM });
  await room.member(CAROL, 'join');
});
beforeEach(() => {
  app.commands.asked.length = 0;
  app.servers.asked.length = 0;
  app.commands.answer = () => ({ eventId: '$new' });
  app.servers.answer = () => answered({});
});
afterAll(() => app.stop());

const signedFor = (mxid: UserId, sender: UserId, more: JsonObject = {}): JsonObject => ({
  ...{ mxid, sender, token: 'abc', signatures: { 'id.example': { 'ed25519:0': 'x' } } },
  ...more,
});
const join = (user: UserId, third_party_signed: unknown, more: JsonObject = {}) =>
  app.call(user, 'POST', `join/${encodeURIComponent(ROOM)}`, { ...more, third_party_signed });
const patterns = () => app.commands.asked.map(({ pattern }) => pattern);
const refusal = (status: number, errcode: string) => ({ status, body: { errcode } });

it('lets who proves to be meant be invited, and then join', async () => {
  const signed = signedFor(BOB, ALICE, { more: 1 });
  expect(await join(BOB, signed, { reason: 'r', custom: 1 })).toEqual({
    status: 200,
    body: { room_id: ROOM },
  });
  expect(app.commands.asked).toMatchObject([
    {
      pattern: ExchangeThirdPartyInvite.pattern,
      input: { roomId: ROOM, sender: ALICE, target: BOB, signed },
    },
    { pattern: ChangeMembership.pattern, input: { action: 'join', target: BOB, reason: 'r' } },
  ]);
  expect(app.commands.asked[1]?.input['content']).toEqual({ custom: 1 });
  expect(app.servers.asked).toEqual([]);
});

it('lets nobody join by a proof that does not hold', async () => {
  app.commands.answer = (pattern) => {
    if (pattern === ExchangeThirdPartyInvite.pattern) throw forbidden('no such invite');
    return { eventId: '$new' };
  };
  expect(await join(BOB, signedFor(BOB, ALICE))).toMatchObject(refusal(403, 'M_FORBIDDEN'));
  expect(patterns()).toEqual([ExchangeThirdPartyInvite.pattern]);
});

it('asks nobody about the proof of another user', async () => {
  expect(await join(BOB, signedFor(CAROL, ALICE))).toMatchObject(refusal(403, 'M_FORBIDDEN'));
  expect(await join(BOB, signedFor(CAROL, DAN))).toMatchObject(refusal(403, 'M_FORBIDDEN'));
  expect([app.commands.asked, app.servers.asked]).toEqual([[], []]);
});

it('has the server of who sent the invite exchange it', async () => {
  const signed = signedFor(BOB, DAN);
  expect((await join(BOB, signed)).status).toBe(200);
  expect(app.servers.asked).toEqual([
    {
      server: 'hs2',
      method: 'PUT',
      path: '/_matrix/federation/v1/exchange_third_party_invite/!invited%3Ahs1',
      content: {
        type: 'm.room.member',
        room_id: ROOM,
        sender: DAN,
        state_key: BOB,
        content: { membership: 'invite', third_party_invite: { display_name: '', signed } },
      },
    },
  ]);
  expect(patterns()).toEqual([ChangeMembership.pattern]);
});

it.each([
  [403, 403],
  [404, 403],
  [500, 502],
])('lets nobody join whom that server answers %d', async (status, told) => {
  app.servers.answer = () => refused(status);
  expect((await join(BOB, signedFor(BOB, DAN))).status).toBe(told);
  expect(app.commands.asked).toEqual([]);
});

it('leaves who is in the room already where they are', async () => {
  expect((await join(CAROL, signedFor(CAROL, ALICE))).status).toBe(200);
  expect(app.commands.asked).toEqual([]);
});

it.each([
  ['no object', 'abc'],
  ['no sender', { mxid: BOB, token: 'abc', signatures: {} }],
  ['no token', { mxid: BOB, sender: ALICE, signatures: {} }],
  ['no signatures', { mxid: BOB, sender: ALICE, token: 'abc' }],
  ['no user id', { mxid: 'bob', sender: ALICE, token: 'abc', signatures: {} }],
])('refuses %s', async (_, signed) => {
  expect((await join(BOB, signed)).status).toBe(400);
  expect(app.commands.asked).toEqual([]);
});
