import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RoomId, UserId } from '@atoll/matrix';
import {
  passwordAuth,
  startTestClientApi,
  type TestClientApi,
  type TestUser,
} from '../test-client-api.spec-support.js';
import { startScriptedRoomState, writeMembership } from './scripted-room-state.spec-support.js';

let api: TestClientApi;
let roomState: Awaited<ReturnType<typeof startScriptedRoomState>>;
let alice: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
  roomState = await startScriptedRoomState(api.database, api.redisUrl, api.config.partitions);
  alice = await api.register('alice');
  await writeMembership(api.database, '@alice:hs1' as UserId, '!joined:hs1' as RoomId, 'join');
  await writeMembership(api.database, '@alice:hs1' as UserId, '!invited:hs1' as RoomId, 'invite');
  await writeMembership(api.database, '@alice:hs1' as UserId, '!left:hs1' as RoomId, 'leave');
});
afterAll(async () => {
  await api.close();
  await roomState.close();
});

const put = (name: string, body: object, user = '@alice:hs1') =>
  api.request('PUT', `/profile/${user}/${name}`, { token: alice.token, body: { ...body } });
const get = async (path: string) => (await api.request('GET', `/profile/${path}`)).body;
const remove = (name: string) => api.request('DELETE', `/profile/@alice:hs1/${name}`, { token: alice.token });

describe('a profile', () => {
  it('is empty at first, and not there for nobody', async () => {
    await api.register('bob');
    expect(await get('@bob:hs1')).toEqual({});
    expect((await get('@bob:hs1/displayname'))['errcode']).toBe('M_NOT_FOUND');
    expect((await get('@nobody:hs1'))['errcode']).toBe('M_NOT_FOUND');
    expect((await get('nobody'))['errcode']).toBe('M_INVALID_PARAM');
  });

  it('holds fields of any JSON, in which nothing is changed', async () => {
    const value = { z: [1.5, null, '\0'], a: 1e3 };
    expect((await put('m.tz', { 'm.tz': 'Europe/Berlin' })).body).toEqual({});
    await put('org.example.job', { 'org.example.job': value });
    await put('org.example.null', { 'org.example.null': null });
    expect(await get('@alice:hs1/org.example.job')).toEqual({ 'org.example.job': value });
    expect(await get('@alice:hs1')).toEqual({
      'm.tz': 'Europe/Berlin',
      'org.example.job': value,
      'org.example.null': null,
    });
    expect((await remove('org.example.job')).body).toEqual({});
    expect((await remove('org.example.job')).body).toEqual({});
    expect((await get('@alice:hs1/org.example.job'))['errcode']).toBe('M_NOT_FOUND');
    expect(roomState.asked).toEqual([]);
  });

  it.each([
    ['displayname', {}, 400, 'M_MISSING_PARAM'],
    ['displayname', { displayname: null }, 400, 'M_INVALID_PARAM'],
    ['displayname', { displayname: 'x'.repeat(1025) }, 413, 'M_TOO_LARGE'],
    ['avatar_url', { avatar_url: 'https://example.org/me.png' }, 400, 'M_INVALID_PARAM'],
    ['m.tz', { 'm.tz': 1 }, 400, 'M_INVALID_PARAM'],
    ['constructor', { constructor: 1 }, 400, 'M_INVALID_PARAM'],
    ['Org.Example', { 'Org.Example': 1 }, 400, 'M_INVALID_PARAM'],
    [`org.${'x'.repeat(252)}`, {}, 400, 'M_KEY_TOO_LARGE'],
    ['org.example.big', { 'org.example.big': 'x'.repeat(65_530) }, 400, 'M_PROFILE_TOO_LARGE'],
  ])('takes no %s like that', async (name, body, status, errcode) => {
    const field = name.startsWith('org.xxx') ? { [name]: 1 } : body;
    const answer = await put(name, field);
    expect([answer.status, answer.body['errcode']]).toEqual([status, errcode]);
    expect(Object.keys(await get('@alice:hs1'))).toEqual(['m.tz', 'org.example.null']);
  });

  it('is changed by its owner only', async () => {
    const others = await put('displayname', { displayname: 'Bob' }, '@bob:hs1');
    expect([others.status, others.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    const nobody = await api.request('PUT', '/profile/@alice:hs1/displayname', {
      body: { displayname: 'A' },
    });
    expect(nobody.body['errcode']).toBe('M_MISSING_TOKEN');
  });
});

it('is carried into the rooms that the user is joined to', async () => {
  const asked = async (work: Promise<unknown>) => {
    roomState.asked.length = 0;
    await work;
    return roomState.asked.map(({ roomId, content }) => [roomId, content]);
  };
  const avatar = { avatar_url: 'mxc://hs1/cat' };
  expect(await asked(put('displayname', { displayname: 'Alice' }))).toEqual([
    ['!joined:hs1', { displayname: 'Alice' }],
  ]);
  expect(roomState.asked).toEqual([
    expect.objectContaining({ sender: '@alice:hs1', target: '@alice:hs1', action: 'update-profile' }),
  ]);
  expect(await asked(put('avatar_url', avatar))).toEqual([
    ['!joined:hs1', { displayname: 'Alice', ...avatar }],
  ]);
  expect(await asked(put('displayname', { displayname: '' }))).toEqual([['!joined:hs1', avatar]]);
  expect(await asked(remove('avatar_url'))).toEqual([['!joined:hs1', {}]]);
  expect(await api.database.db.selectFrom('membership_jobs').selectAll().execute()).toEqual([]);
});

it('ends with the account, which leaves its rooms', async () => {
  roomState.asked.length = 0;
  const body = { auth: passwordAuth('alice', undefined) };
  expect((await api.request('POST', '/account/deactivate', { token: alice.token, body })).status).toBe(200);
  expect(roomState.asked.map(({ roomId, action }) => [roomId, action]).sort()).toEqual([
    ['!invited:hs1', 'leave'],
    ['!joined:hs1', 'leave'],
  ]);
  expect((await get('@alice:hs1'))['errcode']).toBe('M_NOT_FOUND');
});
