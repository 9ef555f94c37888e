import { RoomRows } from '@atoll/database/testing';
import type { RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  startTestClientApi,
  type TestClientApi,
  type TestUser,
  textOf,
} from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
const BOB = '@bob:elsewhere' as UserId;
beforeAll(async () => {
  api = await startTestClientApi();
  alice = await api.register('alice');
});
afterAll(() => api.close());

const mutual = (query: Record<string, string>) =>
  api.request('GET', `/_matrix/client/v1/mutual_rooms?${new URLSearchParams(query).toString()}`, {
    token: alice.token,
  });

it('tells the rooms that both are joined to, a page at a time', async () => {
  expect((await mutual({ user_id: BOB })).body).toEqual({ joined: [], count: 0 });
  const shared: string[] = [];
  for (let n = 0; n < 130; n++) {
    const roomId = `!room${String(n).padStart(3, '0')}:hs1` as RoomId;
    const room = await RoomRows.create(api.database, { roomId });
    await room.member(alice.userId as UserId, n % 10 === 0 ? 'leave' : 'join');
    await room.member(BOB, n % 13 === 0 ? 'invite' : 'join');
    if (n % 10 !== 0 && n % 13 !== 0) shared.push(roomId);
  }
  const first = (await mutual({ user_id: BOB })).body;
  expect(first).toEqual({
    joined: shared.slice(0, 100),
    count: shared.length,
    next_batch: expect.any(String),
  });
  const second = await mutual({ user_id: BOB, from: textOf(first['next_batch']) });
  expect(second.body).toEqual({ joined: shared.slice(100), count: shared.length });

  // As matrix-js-sdk and ruma read pages where the version is not announced.
  const unstable = '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms';
  const draft = async (query: Record<string, string>) =>
    (await api.request('GET', `${unstable}?${new URLSearchParams(query).toString()}`, { token: alice.token }))
      .body;
  const token = textOf(first['next_batch']);
  expect(await draft({ user_id: BOB })).toEqual({ ...first, next_batch_token: token });
  for (const name of ['batch_token', 'from'])
    expect(await draft({ user_id: BOB, [name]: token })).toEqual(second.body);
});

it('refuses the own user id, what is none, and tokens of others', async () => {
  expect((await mutual({ user_id: alice.userId })).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await mutual({ user_id: 'nobody' })).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await mutual({})).body['errcode']).toBe('M_MISSING_PARAM');
  expect((await mutual({ user_id: BOB, from: 's1_1' })).body['errcode']).toBe('M_INVALID_PARAM');
});
