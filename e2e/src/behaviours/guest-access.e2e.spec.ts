import { beforeEach, describe, expect, test } from '@jest/globals';
import { login, path, registerGuest, testPassword, type TestUser } from '@atoll/testing';
import { membershipOf } from '../federation/across.js';
import { eventually } from '../federation/eventually.js';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUser, outcome, texts } from '../users.js';

const FORBIDDEN = '403 M_GUEST_ACCESS_FORBIDDEN';

let alice: TestUser;
let guest: TestUser;
beforeEach(async () => {
  [alice, guest] = await Promise.all([newUser('alice'), registerGuest(sharedCluster().clientUrl)]);
});

const publicRoom = () => alice.createRoom({ preset: 'public_chat' });
const setAccess = (roomId: string, guest_access: string) =>
  alice.setState(roomId, 'm.room.guest_access', { guest_access });
const join = async (roomId: string) =>
  outcome(await guest.request('POST', path`/v3/rooms/${roomId}/join`, {}));
const openRoom = async () => {
  const roomId = await publicRoom();
  await setAccess(roomId, 'can_join');
  expect(await join(roomId)).toBe('200');
  return roomId;
};

describe('a guest', () => {
  test('takes part in a room that lets guests in', async () => {
    const roomId = await openRoom();
    const { next_batch } = await guest.sync();
    await alice.send(roomId, 'welcome');
    await guest.send(roomId, 'thank you');
    await guest.expect('PUT', path`/v3/profile/${guest.userId}/displayname`, { displayname: 'A guest' });
    const seen = async () =>
      texts((await guest.sync({ since: next_batch })).rooms?.join?.[roomId]?.timeline.events);
    expect(await eventually(seen, (found) => found.length === 2)).toEqual(['welcome', 'thank you']);
    const member = path`/v3/rooms/${roomId}/state/m.room.member/${guest.userId}`;
    const name = async () => (await alice.expect('GET', member))['displayname'];
    expect(await eventually(name, (found) => found === 'A guest')).toBe('A guest');
    await guest.leave(roomId);
    expect(await membershipOf(alice, roomId, guest.userId)).toBe('leave');
  });

  test('joins no other, and an invite does not change that', async () => {
    const roomId = await publicRoom();
    expect(await join(roomId)).toBe(FORBIDDEN);
    await alice.invite(roomId, guest.userId);
    expect(await join(roomId)).toBe(FORBIDDEN);
    const member = path`/v3/rooms/${roomId}/state/m.room.member/${guest.userId}`;
    expect(outcome(await guest.request('PUT', member, { membership: 'join' }))).toBe(FORBIDDEN);
    await setAccess(roomId, 'can_join');
    expect(await join(roomId)).toBe('200');
  });

  test('gets media, and gives none', async () => {
    const upload = (user: TestUser) =>
      user.http.send('POST', '/_matrix/media/v3/upload', {
        token: user.session.accessToken,
        body: { a: 'file' },
      });
    const { content_uri } = (await upload(alice)).body;
    const [, server = '', id = ''] = /^mxc:\/\/(.+)\/(.+)$/.exec(String(content_uri)) ?? [];
    expect((await guest.request('GET', path`/v1/media/download/${server}/${id}`)).status).toBe(200);
    expect(outcome(await upload(guest))).toBe(FORBIDDEN);
  });

  test.each([
    ['POST', '/v3/createRoom'],
    ['POST', '/v3/publicRooms'],
    ['POST', '/v3/search'],
    ['POST', '/v3/account/password'],
    ['GET', '/v3/pushrules/'],
    ['GET', '/v3/joined_rooms'],
  ])('may not %s %s', async (method, target) => {
    expect(outcome(await guest.request(method, target, method === 'POST' ? {} : undefined))).toBe(FORBIDDEN);
  });

  test('becomes a user under the same name, in the same rooms', async () => {
    const roomId = await openRoom();
    const username = guest.userId.slice(1, guest.userId.indexOf(':'));
    const body = {
      ...{ username, password: testPassword, auth: { type: 'm.login.dummy' } },
      guest_access_token: guest.session.accessToken,
    };
    const { user_id } = await guest.expect('POST', '/v3/register', body);
    expect(user_id).toBe(guest.userId);
    await setAccess(roomId, 'forbidden');
    const user = await login(sharedCluster().clientUrl, guest.userId);
    await user.send(roomId, 'still here');
    expect((await user.expect('GET', '/v3/account/whoami'))['is_guest']).toBe(false);
  });
});

test('guests leave a room when it does not let them in any more, and others stay', async () => {
  const roomId = await openRoom();
  const bob = await newUser('bob');
  await bob.join(roomId);
  await setAccess(roomId, 'forbidden');
  const isLeft = (membership?: string) => membership === 'leave';
  expect(await eventually(() => membershipOf(alice, roomId, guest.userId), isLeft)).toBe('leave');
  expect(await membershipOf(alice, roomId, bob.userId)).toBe('join');
  expect(Object.keys((await guest.sync()).rooms?.join ?? {})).toEqual([]);
  expect(await join(roomId)).toBe(FORBIDDEN);
});
