import { setTimeout as sleep } from 'node:timers/promises';
import { RoomRows } from '@atoll/database/testing';
import { type JsonObject, type RoomId, serverNameOf, type UserId } from '@atoll/matrix';
import { RemoteServer } from '@atoll/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi } from '../test-client-api.spec-support.js';

const SERVERS = 14;
/** As many as are asked for apart. */
const USERS = 10;

let peers: RemoteServer[];
let api: TestClientApi;
beforeAll(async () => {
  peers = await Promise.all(Array.from({ length: SERVERS }, () => RemoteServer.start()));
  api = await startTestClientApi({
    // Where the peers look for its keys, and find at once that there is nobody.
    ATOLL_SERVER_NAME: 'localhost:1',
    ATOLL_EXTRA_CA: peers.map(({ certificateFile }) => certificateFile).join(),
    ATOLL_IP_DENYLIST: '',
  });
});
afterAll(async () => {
  await api.close();
  await Promise.all(peers.map((peer) => peer.stop()));
});

it.each(['a room is shared', 'no room is shared'])(
  'what many servers answer at once is bounded together, while %s',
  async (how) => {
    const alice = await api.register(how === 'a room is shared' ? 'sharer' : 'stranger');
    const some = peers.slice(0, 3);
    const users = some.map((peer) => peer.user(how === 'a room is shared' ? 'shared' : 'strange'));
    if (how === 'a room is shared') {
      const room = await RoomRows.create(api.database, { roomId: '!large:hs1' as RoomId });
      for (const user of [alice.userId as UserId, ...users]) await room.member(user, 'join');
    }
    // Each is less than one server may answer.
    const filler = 'x'.repeat(7 * 1024 * 1024);
    const undo = some.flatMap((peer, n) => [
      peer.on('POST', '/_matrix/federation/v1/user/keys/query', () => ({
        body: { device_keys: { [users[n] ?? '']: {} }, filler },
      })),
      peer.on('GET', '/_matrix/federation/v1/user/devices/:userId', () => ({
        body: { user_id: users[n] ?? '', stream_id: 1, devices: [], filler },
      })),
    ]);
    const query = async (asked: readonly UserId[]) => {
      const device_keys = Object.fromEntries(asked.map((user) => [user, []]));
      const { body } = await api.request('POST', '/keys/query', {
        token: alice.token,
        body: { device_keys },
      });
      return Object.keys(body['failures'] as JsonObject);
    };
    const failed = await query(users);
    expect(failed.length).toBeGreaterThan(0);
    // What was held is given back.
    const again = users.find((user) => failed.includes(serverNameOf(user))) as UserId;
    expect(await query([again])).toEqual([]);
    for (const one of undo) one();
  },
  30_000,
);

it('the keys of a room with users of many servers are told at the first request, and few are asked for at once', async () => {
  const alice = await api.register('alice');
  const room = await RoomRows.create(api.database, { roomId: '!many:hs1' as RoomId });
  await room.member(alice.userId as UserId, 'join');
  const users = peers.flatMap((peer) => Array.from({ length: USERS }, (_, n) => peer.user(`user${n}`)));
  for (const user of users) await room.member(user, 'join');
  const most = new Map<RemoteServer, number>();
  for (const peer of peers) {
    let open = 0;
    peer.on('GET', '/_matrix/federation/v1/user/devices/:userId', async ({ path }) => {
      open += 1;
      most.set(peer, Math.max(open, most.get(peer) ?? 0));
      await sleep(300);
      open -= 1;
      const userId = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1));
      return { body: { user_id: userId, stream_id: 1, devices: [] } };
    });
  }

  const device_keys = Object.fromEntries(users.map((user) => [user, []]));
  const query = () => api.request('POST', '/keys/query', { token: alice.token, body: { device_keys } });
  const { status, body } = await query();
  expect([status, body['failures']]).toEqual([200, {}]);
  expect(Object.keys(body['device_keys'] as JsonObject).toSorted()).toEqual(users.toSorted());
  expect(Math.max(...most.values())).toBeLessThanOrEqual(3);
}, 30_000);
