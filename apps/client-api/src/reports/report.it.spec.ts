import { ReportReader } from '@atoll/database';
import { RoomRows } from '@atoll/database/testing';
import type { RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi, type TestUser } from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
let bob: TestUser;
let room: RoomRows;
beforeAll(async () => {
  api = await startTestClientApi();
  [alice, bob] = [await api.register('alice'), await api.register('bob')];
  room = await RoomRows.create(api.database, { roomId: '!room:hs1' as RoomId });
  await room.state('m.room.create', alice.userId as UserId, {});
  await room.member(alice.userId as UserId, 'join');
  await room.state('m.room.history_visibility', alice.userId as UserId, { history_visibility: 'joined' });
});
afterAll(() => api.close());

const report = (user: TestUser, path: string, body: object = { reason: 'bad' }) =>
  api.request('POST', path, { token: user.token, body: { ...body } });
const kept = async () =>
  (await new ReportReader(api.database).newest(10)).map(({ reporter, roomId, eventId, userId, reason }) => {
    return { reporter, roomId, eventId, userId, reason };
  });

it('keeps what is reported of events, by who is in the room and may see them', async () => {
  const hidden = await room.message(alice.userId as UserId, 'before bob came');
  await room.member(bob.userId as UserId, 'join');
  const { eventId } = await room.message(alice.userId as UserId, 'seen');
  const path = (id: string) => `/rooms/${room.roomId}/report/${id}`;
  expect(await report(bob, path(eventId), {})).toMatchObject({ status: 200, body: {} });
  expect(await kept()).toEqual([
    { reporter: bob.userId, roomId: room.roomId, eventId, userId: null, reason: '' },
  ]);
  const carol = await api.register('carol');
  for (const [user, target] of [
    [carol, path(eventId)],
    [bob, path(hidden.eventId)],
    [bob, path('$unknown')],
    [bob, `/rooms/!other:hs1/report/${eventId}`],
  ] as const) {
    expect(await report(user, target)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  }
  expect(await kept()).toHaveLength(1);
});

it('takes reports of rooms and users from everybody', async () => {
  const dave = await api.register('dave');
  expect((await report(dave, `/rooms/${room.roomId}/report`)).status).toBe(200);
  expect((await report(dave, '/rooms/!unknown:hs1/report')).body['errcode']).toBe('M_NOT_FOUND');
  expect((await report(dave, '/users/@nobody:hs1/report', { reason: 'spam' })).status).toBe(200);
  expect((await kept()).slice(0, 2)).toEqual([
    { reporter: dave.userId, roomId: null, eventId: null, userId: '@nobody:hs1', reason: 'spam' },
    { reporter: dave.userId, roomId: room.roomId, eventId: null, userId: null, reason: 'bad' },
  ]);
});

it('takes them by the paths from before the specification', async () => {
  const erin = await api.register('erin');
  const unstable = '/_matrix/client/unstable';
  const paths = [
    `${unstable}/org.matrix.msc4151/rooms/${room.roomId}/report`,
    `${unstable}/org.matrix.msc4260/users/@nobody:hs1/report`,
  ];
  for (const path of paths) expect(await report(erin, path)).toMatchObject({ status: 200, body: {} });
  const ofErin = { reporter: erin.userId, eventId: null, reason: 'bad' };
  expect((await kept()).slice(0, 2)).toEqual([
    { ...ofErin, roomId: null, userId: '@nobody:hs1' },
    { ...ofErin, roomId: room.roomId, userId: null },
  ]);
});

it('wants a reason that is a text', async () => {
  for (const path of [`/rooms/${room.roomId}/report`, '/users/@bob:hs1/report']) {
    expect((await report(alice, path, {})).body['errcode']).toBe('M_BAD_JSON');
    expect((await report(alice, path, { reason: 7 })).body['errcode']).toBe('M_BAD_JSON');
    expect((await report(alice, path, { reason: 'x'.repeat(4_097) })).status).toBe(400);
  }
});
