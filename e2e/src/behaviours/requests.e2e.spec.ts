import { describe, expect, test } from '@jest/globals';
import { HttpClient, TestUser, login, path, testPassword, uniqueName } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUser, outcome } from '../users.js';

const { clientUrl, clientApis } = sharedCluster();

describe('requests as clients write them (behaviour 56)', () => {
  test('state with an empty key, with and without the slash', async () => {
    const alice = await newUser('alice');
    const roomId = await alice.createRoom({ topic: 'slashes' });
    const target = path`/v3/rooms/${roomId}/state/m.room.topic`;
    for (const one of [target, `${target}/`])
      expect((await alice.expect('GET', one))['topic']).toBe('slashes');
    await alice.expect('PUT', target, { topic: 'without' });
    expect((await alice.expect('GET', `${target}/`))['topic']).toBe('without');
  });

  test('POST without a body', async () => {
    const alice = await newUser('alice');
    const bob = await newUser('bob');
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    for (const target of [
      path`/v3/join/${roomId}`,
      path`/v3/rooms/${roomId}/leave`,
      path`/v3/rooms/${roomId}/join`,
      '/v3/logout',
    ])
      expect(outcome(await bob.request('POST', target))).toBe('200');
  });

  test('user ids with a slash, state keys and event types with anything', async () => {
    const body = {
      username: uniqueName('a/b=c'),
      password: testPassword,
      auth: { type: 'm.login.dummy' },
    };
    const registered = await new HttpClient(clientUrl).send('POST', '/_matrix/client/v3/register', { body });
    const user = await login(clientUrl, registered.body.user_id ?? '');
    expect(outcome(await user.request('GET', path`/v3/profile/${user.userId}`))).toBe('200');
    const roomId = await user.createRoom();
    const member = await user.state(roomId, 'm.room.member', user.userId);
    expect(member['membership']).toBe('join');
    await user.setState(roomId, 'org.test/ö?#', { found: true }, 'a/b c%2F🐈');
    expect(await user.state(roomId, 'org.test/ö?#', 'a/b c%2F🐈')).toEqual({ found: true });
  });
});

test('every answer is of the type application/json, nothing more (behaviour 56)', async () => {
  const alice = await newUser('alice');
  for (const [method, target] of [
    ['GET', '/v3/account/whoami'],
    ['GET', '/v3/sync'],
    ['GET', '/v3/unknown'],
    ['PATCH', '/v3/login'],
    ['POST', '/v3/createRoom'],
    ['GET', '/v3/pushrules/'],
  ] as const) {
    const { headers } = await alice.request(method, target);
    expect({ target, type: headers.get('content-type') }).toEqual({ target, type: 'application/json' });
  }
});

describe('profiles', () => {
  test('change in the rooms of their user, and are read through the other instance', async () => {
    const [alice, bob] = [await newUser('alice'), await newUser('bob')];
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.join(roomId);
    const follower = await bob.follow();
    const target = path`/v3/profile/${alice.userId}/displayname`;
    await alice.expect('PUT', target, { displayname: 'Alice of Atoll' });
    const news = await follower.until('the new name', (answer) =>
      (answer.rooms?.join?.[roomId]?.timeline.events ?? []).some(
        (event) => event.content['displayname'] === 'Alice of Atoll',
      ),
    );
    expect(news.rooms?.join?.[roomId]?.timeline.events).toHaveLength(1);
    for (const url of clientApis) {
      const name = (await alice.through(url).expect('GET', target))['displayname'];
      expect(name).toBe('Alice of Atoll');
    }
  });
});

describe('a device through two instances', () => {
  test('reads its own writes at once', async () => {
    const alice = await newUser('alice');
    const [one, other] = clientApis.map((url) => alice.through(url)) as [TestUser, TestUser];
    const roomId = await one.createRoom({ preset: 'public_chat' });
    for (let n = 0; n < 10; n += 1) {
      const eventId = await (n % 2 ? one : other).send(roomId, `line ${n}`);
      const reader = n % 2 ? other : one;
      const { rooms } = await reader.sync();
      expect(rooms?.join?.[roomId]?.timeline.events.at(-1)?.event_id).toBe(eventId);
    }
  });

  test('a token that one instance ends is dead at the other', async () => {
    const alice = await newUser('alice');
    const [one, other] = clientApis.map((url) => alice.through(url)) as [TestUser, TestUser];
    expect(outcome(await other.request('GET', '/v3/account/whoami'))).toBe('200');
    await one.expect('POST', '/v3/logout');
    expect(outcome(await other.request('GET', '/v3/account/whoami'))).toBe('401 M_UNKNOWN_TOKEN');
  });
});
