import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { matrixError, RemoteServer, silence } from '@atoll/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi } from '../test-client-api.spec-support.js';

let api: TestClientApi;
let peer: RemoteServer;
let bob: UserId;
const path = (kind: string) => `/_matrix/federation/v1/${kind}`;
const get = (route: string) => api.request('GET', route);
const error = (status: number, errcode: string) => ({
  status,
  body: expect.objectContaining({ errcode }) as unknown as JsonObject,
});

beforeAll(async () => {
  peer = await RemoteServer.start();
  bob = peer.user('bob');
  api = await startTestClientApi({ ATOLL_EXTRA_CA: peer.certificateFile, ATOLL_IP_DENYLIST: '' });
});
beforeEach(() => {
  peer.received.length = 0;
});
afterAll(async () => {
  await api.close();
  await peer.stop();
});

describe('profiles of other servers', () => {
  it('are what those tell, without what is null or no profile field', async () => {
    peer.profiles.set(bob, { displayname: 'Bob', avatar_url: null, 'org.example.n': 1.5, NoField: true });
    expect(await get(`/profile/${bob}`)).toMatchObject({
      status: 200,
      body: { displayname: 'Bob', 'org.example.n': 1.5 },
    });
    expect((await get(`/profile/${bob}`)).body).not.toHaveProperty('NoField');
    expect((await get(`/profile/${bob}/displayname`)).body).toEqual({ displayname: 'Bob' });
    expect(await get(`/profile/${bob}/avatar_url`)).toMatchObject(error(404, 'M_NOT_FOUND'));
    expect(await get(`/profile/${peer.user('nobody')}`)).toMatchObject(error(404, 'M_NOT_FOUND'));
  });

  it.each([
    [403, 'M_FORBIDDEN', 403],
    [429, 'M_LIMIT_EXCEEDED', 502],
    [500, 'M_UNKNOWN', 502],
  ])('answer %d %s is %d', async (status, errcode, told) => {
    const undo = peer.on('GET', path('query/profile'), () => matrixError(status, errcode, 'no'));
    expect((await get(`/profile/${bob}`)).status).toBe(told);
    undo();
  });
});

describe('aliases of other servers', () => {
  it('lead where those say', async () => {
    const { roomId } = await peer.createRoom({ creator: bob });
    const alias = `#there:${peer.serverName}`;
    peer.aliases.set(alias, roomId);
    expect(await get(`/directory/room/${encodeURIComponent(alias)}`)).toMatchObject({
      status: 200,
      body: { room_id: roomId, servers: expect.arrayContaining([peer.serverName]) },
    });
    const none = encodeURIComponent(`#none:${peer.serverName}`);
    expect(await get(`/directory/room/${none}`)).toMatchObject(error(404, 'M_NOT_FOUND'));
  });
});

describe('directories of other servers', () => {
  const room = {
    room_id: '!a:x' as RoomId,
    num_joined_members: 1,
    world_readable: true,
    guest_can_join: false,
  };

  it('are passed on as far as they are entries', async () => {
    const undo = peer.on('POST', path('publicRooms'), () => ({
      body: {
        chunk: [{ ...room, name: 'n', topic: 7, secret: 1 }, { name: 'no id' }, 7],
        next_batch: 'next',
      },
    }));
    const { token } = await api.register('reader');
    const server = encodeURIComponent(peer.serverName);
    const answer = await api.request('POST', `/publicRooms?server=${server}`, {
      token,
      body: { limit: 2, filter: { generic_search_term: 'n' } },
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { chunk: [{ ...room, name: 'n' }], next_batch: 'next' },
    });
    expect((answer.body['chunk'] as JsonObject[])[0]).toEqual({ ...room, name: 'n' });
    expect(peer.received.at(-1)?.body).toMatchObject({ limit: 2, filter: { generic_search_term: 'n' } });
    undo();
  });
});

describe('servers that do not answer', () => {
  it('are unreachable', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    listener.close();
    expect(await get(`/profile/@a:localhost:${port}`)).toMatchObject(error(502, 'M_UNKNOWN'));
    expect(await get(`/directory/room/%23a:localhost:${port}`)).toMatchObject(error(502, 'M_UNKNOWN'));
    expect(await get(`/publicRooms?server=localhost:${port}`)).toMatchObject(error(502, 'M_UNKNOWN'));
  });

  it('are given up after ten seconds', async () => {
    const undo = peer.on('GET', path('query/profile'), () => silence);
    expect(await get(`/profile/${bob}`)).toMatchObject(error(504, 'M_UNKNOWN'));
    undo();
  }, 20_000);
});
