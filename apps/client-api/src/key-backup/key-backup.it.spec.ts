import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startClientApi, type RunningClientApi } from '../client-api.module.js';
import {
  passwordAuth,
  startTestClientApi,
  textOf,
  type TestClientApi,
  type TestUser,
} from '../test-client-api.spec-support.js';

let api: TestClientApi;
let other: RunningClientApi;
beforeAll(async () => {
  api = await startTestClientApi();
  other = await startClientApi({ ...api.config, instanceId: 'second' });
});
afterAll(async () => {
  await other.close();
  await api.close();
});

const ALGORITHM = 'm.megolm_backup.v1.curve25519-aes-sha2';
const DATA = { ephemeral: 'e', ciphertext: 'c', mac: 'm' };
let users = 0;
const newUser = () => api.register(`user${(users += 1)}`);

const session = (first: number, forwarded: number, verified: boolean, data: JsonObject = DATA) => ({
  first_message_index: first,
  forwarded_count: forwarded,
  is_verified: verified,
  session_data: data,
});
const ask = async ({ token }: TestUser, method: string, path: string, body?: JsonObject) => {
  const answer = await api.request(method, `/room_keys/${path}`, { token, ...(body && { body }) });
  return answer.status === 200 ? answer.body : `${answer.status} ${textOf(answer.body['errcode'])}`;
};
const newBackup = async (user: TestUser) => {
  const { version } = (await ask(user, 'POST', 'version', {
    algorithm: ALGORITHM,
    auth_data: {},
  })) as JsonObject;
  return textOf(version);
};

describe('versions', () => {
  it('are made, read, changed and deleted', async () => {
    const user = await newUser();
    expect(await ask(user, 'GET', 'version')).toBe('404 M_NOT_FOUND');
    expect(await newBackup(user)).toBe('1');
    const second = await newBackup(user);
    const body = { algorithm: ALGORITHM, auth_data: { public_key: 'changed \0' } };
    expect(await ask(user, 'PUT', `version/${second}`, body)).toEqual({});
    const expected = { ...body, version: second, count: 0, etag: '0' };
    expect(await ask(user, 'GET', 'version')).toEqual(expected);
    expect(await ask(user, 'GET', `version/${second}`)).toEqual(expected);
    expect(await ask(user, 'DELETE', `version/${second}`)).toEqual({});
    expect(await ask(user, 'DELETE', `version/${second}`)).toEqual({});
    for (const path of [`version/${second}`, `keys?version=${second}`, `keys/!r:hs1?version=${second}`])
      expect(await ask(user, 'GET', path)).toBe('404 M_NOT_FOUND');
    expect(await ask(user, 'DELETE', `keys?version=${second}`)).toBe('404 M_NOT_FOUND');
    expect(await ask(user, 'PUT', `version/${second}`, body)).toBe('404 M_NOT_FOUND');
    expect(await ask(user, 'GET', 'version')).toMatchObject({ version: '1' });
    expect(await newBackup(user)).toBe('3');
  });

  it.each([
    ['PUT', 'version/1', { algorithm: 'another', auth_data: {} }, '400 M_INVALID_PARAM'],
    ['PUT', 'version/1', { algorithm: ALGORITHM, auth_data: {}, version: '2' }, '400 M_INVALID_PARAM'],
    ['PUT', 'version/7', { algorithm: ALGORITHM, auth_data: {} }, '404 M_NOT_FOUND'],
    ['PUT', 'version/1', { algorithm: ALGORITHM }, '400 M_BAD_JSON'],
    ['POST', 'version', { algorithm: 7, auth_data: {} }, '400 M_BAD_JSON'],
    ['POST', 'version', { algorithm: ALGORITHM, auth_data: { key: 'k'.repeat(70_000) } }, '400 M_BAD_JSON'],
    ['GET', 'version/none', undefined, '404 M_NOT_FOUND'],
    ['DELETE', 'version/2', undefined, '404 M_NOT_FOUND'],
    ['DELETE', 'version/0', undefined, '404 M_NOT_FOUND'],
    ['GET', 'keys', undefined, '400 M_MISSING_PARAM'],
    ['GET', 'keys/@no:hs1?version=1', undefined, '400 M_INVALID_PARAM'],
    ['PUT', 'keys?version=1', { rooms: { '@no:hs1': { sessions: {} } } }, '400 M_BAD_JSON'],
    ['PUT', 'keys?version=1', { sessions: {} }, '400 M_BAD_JSON'],
    ['PUT', 'keys/!r:hs1/s?version=1', { ...session(0, 0, true), forwarded_count: -1 }, '400 M_BAD_JSON'],
    [
      'PUT',
      'keys/!r:hs1/s?version=1',
      { ...session(0, 0, true), first_message_index: 0.5 },
      '400 M_BAD_JSON',
    ],
    ['PUT', 'keys/!r:hs1/s?version=1', session(0, 0, true, { c: 'c'.repeat(17_000) }), '400 M_BAD_JSON'],
    ['PUT', 'keys/!r:hs1/s?version=9', session(0, 0, true), '403 M_WRONG_ROOM_KEYS_VERSION'],
  ])('refuses %s %s of %j', async (method, path, body, expected) => {
    const user = await newUser();
    await newBackup(user);
    expect(await ask(user, method, path, body)).toBe(expected);
  });

  it('are the affair of their user alone, and go when the account does', async () => {
    const [alice, bob] = [await newUser(), await newUser()];
    const version = await newBackup(alice);
    await ask(alice, 'PUT', `keys/!r:hs1/s?version=${version}`, session(0, 0, true));
    expect(await ask(bob, 'GET', `keys/!r:hs1/s?version=${version}`)).toBe('404 M_NOT_FOUND');
    expect(await ask(bob, 'PUT', `keys/!r:hs1/s?version=${version}`, session(0, 0, true))).toBe(
      '404 M_NOT_FOUND',
    );
    expect((await api.request('GET', '/room_keys/version')).body['errcode']).toBe('M_MISSING_TOKEN');
    const first = await api.request('POST', '/account/deactivate', { token: alice.token, body: {} });
    const auth = passwordAuth(alice.userId, first.body['session']);
    await api.request('POST', '/account/deactivate', { token: alice.token, body: { auth } });
    const rows = await api.database.db
      .selectFrom('backed_up_keys')
      .selectAll()
      .where('user_id', '=', alice.userId as never)
      .execute();
    expect(rows).toEqual([]);
  });
});

describe('keys', () => {
  it('are put, read and deleted one by one, by room and all together', async () => {
    const user = await newUser();
    const v = `?version=${await newBackup(user)}`;
    expect(await ask(user, 'GET', `keys${v}`)).toEqual({ rooms: {} });
    expect(await ask(user, 'GET', `keys/!a:hs1${v}`)).toEqual({ sessions: {} });
    expect(await ask(user, 'GET', `keys/!a:hs1/s1${v}`)).toBe('404 M_NOT_FOUND');
    const one = session(1, 0, false);
    expect(await ask(user, 'PUT', `keys/!a:hs1/s%2F1${v}`, one)).toEqual({ count: 1, etag: '1' });
    expect(await ask(user, 'PUT', `keys/!a:hs1${v}`, { sessions: { s2: one, s3: one } })).toEqual({
      count: 3,
      etag: '2',
    });
    const rooms = { '!b:hs1': { sessions: { s1: one } }, '!c:hs1': { sessions: { '"': one } } };
    expect(await ask(user, 'PUT', `keys${v}`, { rooms })).toEqual({ count: 5, etag: '3' });
    expect(await ask(user, 'GET', `keys/!a:hs1/s%2F1${v}`)).toEqual(one);
    const ofA = { sessions: { 's/1': one, s2: one, s3: one } };
    expect(await ask(user, 'GET', `keys/!a:hs1${v}`)).toEqual(ofA);
    expect(await ask(user, 'GET', `keys${v}`)).toEqual({ rooms: { '!a:hs1': ofA, ...rooms } });
    expect(await ask(user, 'DELETE', `keys/!a:hs1/s2${v}`)).toEqual({ count: 4, etag: '4' });
    expect(await ask(user, 'DELETE', `keys/!a:hs1/s2${v}`)).toEqual({ count: 4, etag: '4' });
    expect(await ask(user, 'DELETE', `keys/!a:hs1${v}`)).toEqual({ count: 2, etag: '5' });
    expect(await ask(user, 'DELETE', `keys${v}`)).toEqual({ count: 0, etag: '6' });
    expect(await ask(user, 'GET', `version`)).toMatchObject({ count: 0, etag: '6' });
  });

  it.each([
    ['verified', session(1, 1, true), session(9, 9, false), true],
    ['unverified', session(0, 0, false), session(1, 1, true), false],
    ['earlier', session(1, 9, true), session(2, 1, true), true],
    ['later', session(2, 0, true), session(1, 1, true), false],
    ['less forwarded', session(1, 0, false), session(1, 1, false), true],
    ['more forwarded', session(1, 2, false), session(1, 1, false), false],
    ['equal', session(1, 1, false), session(1, 1, false), false],
  ])('replace those before when they are better: %s', async (_name, better, before, isReplaced) => {
    const user = await newUser();
    const path = `keys/!r:hs1/s?version=${await newBackup(user)}`;
    const sent = { ...better, session_data: { ...DATA, mac: 'another, of another length' } };
    await ask(user, 'PUT', path, before);
    expect(await ask(user, 'PUT', path, sent)).toEqual({ count: 1, etag: isReplaced ? '2' : '1' });
    expect(await ask(user, 'GET', path)).toEqual(isReplaced ? sent : before);
    const { key_bytes } = await api.database.db
      .selectFrom('key_backups')
      .select('key_bytes')
      .where('user_id', '=', user.userId as never)
      .executeTakeFirstOrThrow();
    expect(key_bytes).toBe(JSON.stringify(isReplaced ? sent.session_data : DATA).length);
  });

  it('go into the current version alone', async () => {
    const user = await newUser();
    const [old, current] = [await newBackup(user), await newBackup(user)];
    const { status, body } = await api.request('PUT', `/room_keys/keys?version=${old}`, {
      token: user.token,
      body: { rooms: {} },
    });
    expect([status, body]).toEqual([
      403,
      { errcode: 'M_WRONG_ROOM_KEYS_VERSION', error: expect.any(String), current_version: current },
    ]);
  });

  it('come in thousands, and are given out page by page', async () => {
    const user = await newUser();
    const v = `?version=${await newBackup(user)}`;
    const rooms = Object.fromEntries(
      Array.from({ length: 30 }, (_, room) => [
        `!${room}:hs1`,
        {
          sessions: Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`s${n}`, session(n, 0, true)])),
        },
      ]),
    );
    expect(await ask(user, 'PUT', `keys${v}`, { rooms })).toEqual({ count: 3000, etag: '1' });
    expect(await ask(user, 'PUT', `keys${v}`, { rooms })).toEqual({ count: 3000, etag: '1' });
    expect(await ask(user, 'GET', `keys${v}`)).toEqual({ rooms });
    const sessions = Object.fromEntries(
      Array.from({ length: 10_001 }, (_, n) => [`s${n}`, session(n, 0, true, {})]),
    );
    expect(await ask(user, 'PUT', `keys/!r:hs1${v}`, { sessions })).toBe('413 M_TOO_LARGE');
  });

  it('put through two instances at once are all counted, and the best of each session stays', async () => {
    const user = await newUser();
    const version = await newBackup(user);
    const ports = [new URL(api.baseUrl).port, String(other.port)];
    const puts = Array.from({ length: 20 }, (_, n) => {
      const sessions = { shared: session(20 - n, 0, true), [`own${n}`]: session(n, 0, true) };
      return fetch(
        `http://127.0.0.1:${ports[n % 2] ?? ''}/_matrix/client/v3/room_keys/keys/!r:hs1?version=${version}`,
        {
          method: 'PUT',
          headers: { authorization: `Bearer ${user.token}` },
          body: JSON.stringify({ sessions }),
        },
      ).then((answer) => answer.json() as Promise<JsonObject>);
    });
    const etags = (await Promise.all(puts)).map(({ etag }) => Number(etag));
    expect(etags.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(await ask(user, 'GET', 'version')).toMatchObject({ count: 21, etag: '20' });
    expect(await ask(user, 'GET', `keys/!r:hs1/shared?version=${version}`)).toMatchObject({
      first_message_index: 1,
    });
  });
});
