import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, JsonValue, RoomId, ServerName, UserId } from '@atoll/matrix';
import { matrixError, RemoteServer } from '@atoll/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi, type TestUser } from '../test-client-api.spec-support.js';
import { CrossSigning, keyRequests } from './test-keys.spec-support.js';

const V1 = '/_matrix/federation/v1';
const ALGORITHM = 'signed_curve25519';

describe('keys of users of other servers', () => {
  let api: TestClientApi;
  let peer: RemoteServer;
  let alice: TestUser;
  let bob: UserId;
  let undo: (() => void)[] = [];
  let users = 0;

  beforeAll(async () => {
    peer = await RemoteServer.start();
    api = await startTestClientApi({ ATOLL_EXTRA_CA: peer.certificateFile, ATOLL_IP_DENYLIST: '' });
    alice = await api.register('alice');
  });
  afterAll(async () => {
    await api.close();
    await peer.stop();
  });
  beforeEach(() => {
    for (const one of undo.splice(0)) one();
    undo = [];
    bob = peer.user(`bob${users++}`);
    peer.received.length = 0;
  });

  const on = (method: string, path: string, body: () => JsonObject) => {
    undo.push(peer.on(method, V1 + path, () => ({ body: body() })));
  };
  const device = (deviceId: string, userId: string = bob): JsonObject => ({
    ...{ user_id: userId, device_id: deviceId, algorithms: ['a'], keys: { [`ed25519:${deviceId}`]: 'k' } },
    signatures: { [userId]: { [`ed25519:${deviceId}`]: 's' } },
  });
  const master = (userId: string = bob) => ({
    user_id: userId,
    usage: ['master'],
    keys: { 'ed25519:m': 'm' },
  });
  const shareRoom = async () => {
    const room = await RoomRows.create(api.database, { roomId: `!r${users}:hs1` as RoomId });
    await room.member(alice.userId as UserId, 'join');
    await room.member(bob, 'join');
  };
  const ask = async (path: string, body: JsonObject) =>
    (await api.request('POST', path, { token: alice.token, body })).body;
  const queryKeys = (devices: string[] = [], more: JsonObject = {}) =>
    ask('/keys/query', { device_keys: { [bob]: devices }, ...more });
  const askedFor = (path: string) => peer.received.filter((request) => request.path.includes(path)).length;

  it('are asked for each time while no room is shared, and told without what is not theirs', async () => {
    on('POST', '/user/keys/query', () => ({
      device_keys: {
        [bob]: { A: { ...device('A'), unsigned: { device_display_name: 'Phone', more: 1 } }, B: device('C') },
        '@eve:hs3': { E: device('E', '@eve:hs3') },
        [alice.userId]: { X: device('X', alice.userId) },
      },
      master_keys: { [bob]: master(), '@eve:hs3': master('@eve:hs3') },
      self_signing_keys: { [bob]: master() },
    }));
    const answer = await queryKeys();
    expect(answer).toMatchObject({ failures: {} });
    expect(answer['device_keys']).toEqual({
      [bob]: { A: { ...device('A'), unsigned: { device_display_name: 'Phone' } } },
    });
    expect(answer['master_keys']).toEqual({ [bob]: master() });
    expect(answer['self_signing_keys'] ?? {}).toEqual({});
    await queryKeys();
    expect(askedFor('/user/keys/query')).toBe(2);
  });

  it.each(['is shared', 'is not shared'])('carry no signatures by others, while a room %s', async (how) => {
    if (how === 'is shared') await shareRoom();
    const key = { ...master(), signatures: { [bob]: { 'ed25519:A': 's' } } };
    const signedByEve = (keys: JsonObject) => ({
      ...keys,
      signatures: { ...(keys['signatures'] as JsonObject), '@eve:hs3': { 'ed25519:e': 's' } },
    });
    on('GET', '/user/devices/:userId', () => ({
      ...{ user_id: bob, stream_id: 3, devices: [{ device_id: 'A', keys: signedByEve(device('A')) }] },
      master_key: signedByEve(key),
    }));
    on('POST', '/user/keys/query', () => ({
      device_keys: { [bob]: { A: signedByEve(device('A')) } },
      master_keys: { [bob]: signedByEve(key) },
    }));
    // Asked for, and known where a room is shared.
    for (let times = 0; times < 2; times++) {
      const answer = await queryKeys();
      expect(answer['device_keys']).toEqual({ [bob]: { A: device('A') } });
      expect(answer['master_keys']).toEqual({ [bob]: key });
    }
  });

  it('are told with the signatures that the viewer made of them', async () => {
    const requests = keyRequests(api);
    const mine = new CrossSigning(alice.userId);
    await requests.uploadCrossSigning(alice, mine.upload);
    const bobs = new CrossSigning(bob);
    on('POST', '/user/keys/query', () => ({
      device_keys: { [bob]: {} },
      master_keys: { [bob]: bobs.upload.master_key },
    }));
    const { userSigning } = mine;
    const signed = userSigning.sign(bobs.upload.master_key, alice.userId, userSigning.publicKey);
    const uploaded = await requests.uploadSignatures(alice, { [bob]: { [bobs.master.publicKey]: signed } });
    expect(uploaded.body).toEqual({ failures: {} });
    expect((await queryKeys())['master_keys']).toEqual({ [bob]: signed });
    const carol = await api.register(`carol${users}`);
    const { body } = await requests.query(carol, { device_keys: { [bob]: [] } });
    expect(body['master_keys']).toEqual({ [bob]: bobs.upload.master_key });
  });

  it('are kept while a room is shared', async () => {
    await shareRoom();
    const entry = (id: string, keys: JsonValue = device(id)) => ({ device_id: id, keys });
    on('GET', '/user/devices/:userId', () => ({
      user_id: bob,
      stream_id: 3,
      devices: [{ ...entry('A'), device_display_name: 'Phone' }, entry('B', device('A')), entry('C')],
      master_key: master(),
      self_signing_key: master('@eve:hs3'),
    }));
    const told = {
      A: { ...device('A'), unsigned: { device_display_name: 'Phone' } },
      C: device('C'),
    };
    expect((await queryKeys())['device_keys']).toEqual({ [bob]: told });
    const again = await queryKeys();
    expect(again['device_keys']).toEqual({ [bob]: told });
    expect(again['master_keys']).toEqual({ [bob]: master() });
    expect((await queryKeys(['C']))['device_keys']).toEqual({ [bob]: { C: device('C') } });
    expect(askedFor('/user/')).toBe(1);
  });

  it('are told and kept of those whom their server tells, though it refuses to tell of others', async () => {
    await shareRoom();
    const known = peer.user(`known${users}`);
    const room = await RoomRows.create(api.database, { roomId: `!more${users}:hs1` as RoomId });
    await room.member(alice.userId as UserId, 'join');
    await room.member(known, 'join');
    undo.push(
      peer.on('GET', `${V1}/user/devices/:userId`, ({ path }) =>
        path.includes(encodeURIComponent(bob))
          ? matrixError(403, 'M_FORBIDDEN', 'no')
          : {
              body: {
                ...{ user_id: known, stream_id: 3 },
                devices: [{ device_id: 'K', keys: device('K', known) }],
              },
            },
      ),
    );
    const both = { device_keys: { [bob]: [], [known]: [] } };
    for (const expected of [2, 3]) {
      const answer = await ask('/keys/query', both);
      expect(answer['device_keys']).toEqual({ [known]: { K: device('K', known) } });
      expect(Object.keys(answer['failures'] as JsonObject)).toEqual([peer.serverName]);
      expect(askedFor('/user/devices/')).toBe(expected);
    }
  });

  it('are not asked for of users of whom no key was signed, nor of those who are known', async () => {
    const requests = keyRequests(api);
    const none = { [bob]: {}, [`@eve:127.0.0.1:1`]: {} };
    expect((await requests.uploadSignatures(alice, none)).body).toEqual({ failures: {} });
    expect(peer.received).toEqual([]);

    await shareRoom();
    on('GET', '/user/devices/:userId', () => ({
      ...{ user_id: bob, stream_id: 3, devices: [] },
      master_key: master(),
    }));
    await queryKeys();
    const { body } = await requests.uploadSignatures(alice, { [bob]: { m: master() } });
    expect(body).toMatchObject({ failures: { [bob]: { m: { errcode: 'M_INVALID_SIGNATURE' } } } });
    expect(askedFor('/user/')).toBe(1);

    const many = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`@u${n}:s${n}.example`, {}]));
    expect((await requests.uploadSignatures(alice, many)).status).toBe(400);
  });

  it('are not asked for again and again of a server to which nothing can be sent', async () => {
    on('POST', '/user/keys/query', () => ({ device_keys: { [bob]: { A: device('A') } } }));
    const gone = 'localhost:1' as ServerName;
    const { db } = api.database;
    const row = { partition: 1, sent_position: 0, failing_since: 1, retry_at: Date.now() + 3_600_000 };
    await db
      .insertInto('destinations')
      .values({ ...row, destination: gone, retry_interval_ms: 8 })
      .execute();
    for (const error of ['The server localhost:1 cannot be reached', 'The server has not answered lately']) {
      const answer = await ask('/keys/query', { device_keys: { [`@eve:${gone}`]: [], [bob]: [] } });
      expect(answer).toMatchObject({ device_keys: { [bob]: {} }, failures: { [gone]: { error } } });
    }
  });

  it('are not taken from an answer about somebody else', async () => {
    await shareRoom();
    on('GET', '/user/devices/:userId', () => ({
      ...{ user_id: '@eve:hs3', stream_id: 3, devices: [{ device_id: 'A', keys: device('A') }] },
    }));
    const answer = await queryKeys();
    expect(answer['device_keys']).toEqual({});
    await queryKeys();
    expect(askedFor('/user/')).toBe(2);
  });

  it('are failures where there is no answer', async () => {
    undo.push(peer.on('POST', `${V1}/user/keys/query`, () => matrixError(500, 'M_UNKNOWN', 'no')));
    undo.push(peer.on('POST', `${V1}/user/keys/claim`, () => matrixError(404, 'M_UNRECOGNIZED', 'no')));
    expect(Object.keys((await queryKeys())['failures'] as JsonObject)).toEqual([peer.serverName]);
    const claimed = await ask('/keys/claim', { one_time_keys: { [bob]: { A: ALGORITHM } } });
    expect(claimed['one_time_keys']).toEqual({});
    expect(Object.keys(claimed['failures'] as JsonObject)).toEqual([peer.serverName]);
  });

  it('are claimed: one for each device, of what was asked for', async () => {
    const key = { key: 'k', signatures: {} };
    on('POST', '/user/keys/claim', () => ({
      one_time_keys: {
        [bob]: {
          A: { [`${ALGORITHM}:1`]: key, [`${ALGORITHM}:2`]: key, 'other:3': key },
          B: { 'other:3': key },
          C: { [`${ALGORITHM}:1`]: 7 },
          D: { [`${ALGORITHM}:1`]: key },
        },
        '@eve:hs3': { E: { [`${ALGORITHM}:1`]: key } },
      },
    }));
    const wanted = { A: ALGORITHM, B: ALGORITHM, C: ALGORITHM };
    const answer = await ask('/keys/claim', { one_time_keys: { [bob]: wanted } });
    expect(answer).toEqual({ failures: {}, one_time_keys: { [bob]: { A: { [`${ALGORITHM}:1`]: key } } } });
  });
});
