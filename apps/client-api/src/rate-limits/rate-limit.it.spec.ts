import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DelayedEventTransactor } from '@atoll/database';
import type { RoomId, UserId } from '@atoll/matrix';
import { startTestClientApi, type TestClientApi, type TestUser } from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  api = await startTestClientApi({ ATOLL_RATE_LIMITS: 'on' });
  [alice, bob] = [await api.register('alice'), await api.register('bob')];
});
afterAll(() => api.close());

const rename = (user: TestUser) =>
  api.request('PUT', `/profile/${user.userId}/displayname`, { token: user.token, body: { displayname: 7 } });

it('counts the requests of each user, bad ones too, and says when to come again', async () => {
  const answers = [];
  for (let n = 0; n < 20; n++) answers.push((await rename(alice)).status);
  expect(new Set(answers)).toEqual(new Set([400]));
  const { status, body, headers } = await rename(alice);
  expect([status, body['errcode']]).toEqual([429, 'M_LIMIT_EXCEEDED']);
  expect(body['retry_after_ms']).toBeGreaterThan(0);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await rename(bob)).status).toBe(400);
  expect((await api.request('GET', `/profile/${alice.userId}`, { token: alice.token })).status).toBe(200);
});

it('counts by address where there is no user', async () => {
  const look = () => api.request('GET', '/_matrix/client/v1/room_summary/!unknown:hs1');
  const answers = await Promise.all(Array.from({ length: 70 }, look));
  expect(answers.map(({ status }) => status)).toContain(429);
  const withToken = await api.request('GET', '/_matrix/client/v1/room_summary/!unknown:hs1', {
    token: bob.token,
  });
  expect(withToken.status).toBe(404);
});

it.each([
  ['join', 'join'],
  ['knock', 'join'],
  ['invite', 'invite'],
])(
  'counts a %s with those by their own endpoint, as state and as a delayed event',
  async (membership, by) => {
    const user = await api.register(`${membership}s`);
    const { token } = user;
    // What is wrong counts, and nothing answers here what is right.
    for (let n = 0; n < 30; n++) await api.request('POST', `/rooms/wrong/${by}`, { token, body: {} });
    const limited = { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } };
    const content = { membership };
    const path = `/rooms/!room:hs1/state/m.room.member/${user.userId}`;
    expect(await api.request('PUT', path, { token, body: content })).toMatchObject(limited);
    const event = {
      userId: user.userId as UserId,
      roomId: '!room:hs1' as RoomId,
      type: 'm.room.member',
      content,
    };
    const delayed = { ...event, stateKey: user.userId, delayMs: 3_600_000 };
    await new DelayedEventTransactor(api.database.db).add(`delayed ${membership}`, delayed, undefined);
    const send = `/_matrix/client/v1/delayed_events/delayed%20${membership}/send`;
    expect(await api.request('POST', send, { token })).toMatchObject(limited);
  },
);

describe('servers that messages to devices make known', () => {
  let sends = 0;
  const send = (user: TestUser, servers: readonly string[]) => {
    const messages = Object.fromEntries(servers.map((name) => [`@x:${name}`, { '*': {} }]));
    const path = `/sendToDevice/m.test/${(sends += 1)}`;
    return api.request('PUT', path, { token: user.token, body: { messages } });
  };
  const names = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${prefix}${n}.example`);
  const known = async () => {
    const rows = await api.database.db.selectFrom('destinations').select('destination').execute();
    return new Set<string>(rows.map(({ destination }) => destination));
  };

  it('are few in a request, and few of each user', async () => {
    const carol = await api.register('carol');
    const tooMany = await send(carol, names('many', 21));
    expect([tooMany.status, tooMany.body['errcode']]).toEqual([413, 'M_TOO_LARGE']);
    expect((await send(carol, names('a', 20))).status).toBe(200);
    expect((await send(carol, names('b', 20))).status).toBe(200);
    const refused = await send(carol, names('c', 11));
    expect([refused.status, refused.body['errcode']]).toEqual([429, 'M_LIMIT_EXCEEDED']);
    expect((await send(carol, names('d', 10))).status).toBe(200);
    expect(await known()).toEqual(new Set([...names('a', 20), ...names('b', 20), ...names('d', 10)]));
    // Those that are known are free, and another user has a share too.
    expect((await send(carol, [...names('a', 20), ...names('b', 20)])).status).toBe(200);
    expect((await send(bob, names('e', 20))).status).toBe(200);
  });

  it('are free when one of their users is in, or invited to, a room with the sender', async () => {
    const dave = await api.register('dave');
    const { db } = api.database;
    const members = [...names('in', 30).map((name) => `@x:${name}`), dave.userId];
    const nids = members.map((_, n) => 1_000_000 + n);
    await db
      .insertInto('state_keys')
      .values(members.map((state_key, n) => ({ state_key, state_key_nid: nids[n] }) as never))
      .execute();
    const join = async (user_nid: number | undefined, membership: string) =>
      db
        .insertInto('memberships')
        .values({ user_nid, room_nid: 1, membership, event_nid: 1, position: 1 } as never)
        .execute();
    for (const [n, nid] of nids.entries()) {
      // The last but one has left.
      await join(nid, n === 29 ? 'leave' : n % 2 === 0 || n === 30 ? 'join' : 'invite');
    }
    expect((await send(dave, names('in', 30).slice(0, 29))).status).toBe(200);
    expect((await send(dave, [...names('in', 30), ...names('f', 20)])).status).toBe(413);
    expect((await send(dave, [...names('in', 30), ...names('f', 19)])).status).toBe(200);
    expect((await send(alice, names('g', 21))).status).toBe(413);
  });
});
