import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@atoll/matrix';
import { startSyncApp, type SyncApp, type SyncUser } from '../sync/sync-app.spec-support.js';
import { startTestClientApi } from '../test-client-api.spec-support.js';

let app: SyncApp;
let alice: SyncUser;
let bob: SyncUser;
let carol: SyncUser;
beforeAll(async () => {
  app = await startSyncApp();
  [alice, bob, carol] = (await Promise.all(['alice', 'bob', 'carol'].map((name) => app.register(name)))) as [
    SyncUser,
    SyncUser,
    SyncUser,
  ];
  const room = await app.createRoom(alice.userId);
  await room.member(bob.userId, 'join');
});
afterAll(() => app.close());

const pathOf = ({ userId }: SyncUser) => `/presence/${encodeURIComponent(userId)}/status`;
const put = (body: JsonObject, of = alice, by = of) =>
  app.request('PUT', pathOf(of), { token: by.token, body });
const get = async (of: SyncUser, by = of) => (await app.request('GET', pathOf(of), { token: by.token })).body;

describe('/presence/{userId}/status', () => {
  it('shows what a user set to the user and to those who share a room', async () => {
    expect(await get(carol)).toEqual({ presence: 'offline' });
    expect((await put({ presence: 'unavailable', status_msg: 'in a meeting' })).body).toEqual({});
    const shown = {
      presence: 'unavailable',
      status_msg: 'in a meeting',
      last_active_ago: expect.any(Number),
    };
    expect(await get(alice)).toEqual(shown);
    expect(await get(alice, bob)).toEqual(shown);
    await put({ presence: 'online' });
    expect(await get(alice, bob)).toEqual({
      presence: 'online',
      currently_active: true,
      last_active_ago: expect.any(Number),
    });
    await put({ presence: 'offline', status_msg: null });
    expect(await get(alice, bob)).toMatchObject({ presence: 'offline' });
  });

  it.each<[string, JsonObject, string]>([
    ['an unknown presence', { presence: 'busy' }, 'M_BAD_JSON'],
    ['no presence', { status_msg: 'x' }, 'M_BAD_JSON'],
    ['a long message', { presence: 'online', status_msg: 'x'.repeat(1025) }, 'M_BAD_JSON'],
    ['a message with NUL', { presence: 'online', status_msg: 'a\0' }, 'M_BAD_JSON'],
  ])('refuses %s', async (_, body, errcode) => {
    const answer = await put(body);
    expect([answer.status, answer.body['errcode']]).toEqual([400, errcode]);
  });

  it('is not for others to set, nor for strangers to see, whether the user exists or not', async () => {
    const answer = await put({ presence: 'online' }, alice, bob);
    expect([answer.status, answer.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    expect(await get(alice, carol)).toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(await get({ ...alice, userId: '@nobody:hs1' as never }, carol)).toMatchObject({
      errcode: 'M_FORBIDDEN',
    });
    const anonymous = await app.request('GET', pathOf(alice));
    expect([anonymous.status, anonymous.body['errcode']]).toEqual([401, 'M_MISSING_TOKEN']);
    expect((await app.request('GET', '/presence/alice/status', { token: alice.token })).status).toBe(400);
  });
});

describe('/sync', () => {
  const presenceIn = ({ presence }: { presence?: { readonly events: JsonObject[] } }) =>
    Object.fromEntries<unknown>(
      (presence?.events ?? []).map(({ sender, content }) => [
        sender as string,
        (content as JsonObject)['presence'],
      ]),
    );

  it('makes its user what it says, tells others once, and wakes nobody while that stays so', async () => {
    await put({ presence: 'offline' });
    const { next_batch } = await app.sync(bob, { set_presence: 'offline' });
    const waiting = app.sync(bob, { since: next_batch, timeout: 30_000, set_presence: 'offline' });
    const first = await app.sync(alice);
    expect(presenceIn(first)).toEqual({ [alice.userId]: 'online' });
    const woken = await waiting;
    expect(presenceIn(woken)).toEqual({ [alice.userId]: 'online' });
    expect(await app.sync(alice, { since: first.next_batch })).toEqual({ next_batch: first.next_batch });
    expect(presenceIn(await app.sync(bob, { since: woken.next_batch, set_presence: 'offline' }))).toEqual({});
    expect(await get(bob)).toEqual({ presence: 'offline' });
  });

  it('may say that the user is idle, by the device that was online before', async () => {
    await app.sync(alice);
    await app.sync(alice, { set_presence: 'unavailable' });
    expect(await get(alice)).toMatchObject({ presence: 'unavailable' });
    await app.sync(alice, { set_presence: 'online' });
    expect(await get(alice)).toMatchObject({ presence: 'online' });
  });

  it('of an idle device leaves online who is online by another', async () => {
    const tablet = { ...alice, ...(await app.logIn('alice')) } as SyncUser;
    await app.sync(tablet);
    await app.sync(alice, { set_presence: 'unavailable' });
    expect(await get(alice)).toMatchObject({ presence: 'online' });
    await app.sync(tablet, { set_presence: 'unavailable' });
    expect(await get(alice)).toMatchObject({ presence: 'unavailable' });
  });

  it('brings back who was set to offline, and leaves who was set to idle', async () => {
    await app.sync(bob);
    await put({ presence: 'offline' }, bob);
    await app.sync(bob);
    expect(await get(bob)).toMatchObject({ presence: 'online' });
    await put({ presence: 'unavailable', status_msg: 'lunch' }, bob);
    await app.sync(bob);
    expect(await get(bob)).toMatchObject({ presence: 'unavailable', status_msg: 'lunch' });
  });

  it('tells display name and avatar with the presence, once more when they change', async () => {
    await put({ presence: 'unavailable', status_msg: 'busy' });
    const profile = (name: string, method: 'PUT' | 'DELETE', value?: string) =>
      app.request(method, `/profile/${alice.userId}/${name}`, {
        token: alice.token,
        ...(value !== undefined && { body: { [name]: value } }),
      });
    const toldSince = async (since: string) => {
      const { presence, next_batch } = await app.sync(bob, { since, set_presence: 'offline' });
      return { next_batch, told: presence?.events };
    };
    const content = (more: JsonObject) => [
      {
        type: 'm.presence',
        sender: alice.userId,
        content: {
          presence: 'unavailable',
          status_msg: 'busy',
          last_active_ago: expect.any(Number),
          ...more,
        },
      },
    ];
    const { next_batch: since } = await app.sync(bob, { set_presence: 'offline' });
    const waiting = app.sync(bob, { since, timeout: 10_000, set_presence: 'offline' });
    await profile('displayname', 'PUT', 'Alice');
    expect((await waiting).presence?.events).toEqual(content({ displayname: 'Alice' }));
    const named = await toldSince(since);
    expect(named.told).toEqual(content({ displayname: 'Alice' }));
    await profile('avatar_url', 'PUT', 'mxc://hs1/cat');
    const pictured = await toldSince(named.next_batch);
    expect(pictured.told).toEqual(content({ displayname: 'Alice', avatar_url: 'mxc://hs1/cat' }));
    await profile('displayname', 'DELETE');
    const last = await toldSince(pictured.next_batch);
    expect(last.told).toEqual(content({ avatar_url: 'mxc://hs1/cat' }));
    await profile('m.tz', 'PUT', 'Europe/Berlin');
    expect((await toldSince(last.next_batch)).told).toBeUndefined();
  });

  it('refuses an unknown presence', async () => {
    const { status } = await app.request('GET', app.url({ set_presence: 'busy' }), { token: alice.token });
    expect(status).toBe(400);
  });
});

it('is nothing where it is switched off', async () => {
  const off = await startTestClientApi({ ATOLL_PRESENCE: 'off' });
  try {
    const { userId, token } = await off.register('alice');
    const path = `/presence/${userId}/status`;
    expect((await off.request('PUT', path, { token, body: { presence: 'online' } })).body).toEqual({});
    expect((await off.request('PUT', path, { token, body: { presence: 'busy' } })).status).toBe(400);
    const { body } = await off.request('GET', '/sync', { token });
    expect(body).not.toHaveProperty('presence');
    expect((await off.request('GET', path, { token })).body).toEqual({ presence: 'offline' });
    expect(await off.database.db.selectFrom('presence').selectAll().execute()).toEqual([]);
  } finally {
    await off.close();
  }
});
