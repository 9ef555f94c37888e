import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { RemoteDeviceListReader, RemoteDeviceListTransactor } from '@atoll/database';
import type { JsonObject, JsonValue, ServerName, UserId } from '@atoll/matrix';
import { matrixError, RemoteServer } from '@atoll/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { HS3, startTransactionTest } from '../send-transaction/test-transactions.spec-support.js';
import { knownKey } from '../test-receiver.spec-support.js';

const DEVICES = '/_matrix/federation/v1/user/devices/:userId';

describe('device lists of users of other servers', () => {
  let peer: RemoteServer;
  let test: Awaited<ReturnType<typeof startTransactionTest>>;
  let lists: RemoteDeviceListReader;
  let bob: UserId;
  let users = 0;

  beforeAll(async () => {
    peer = await RemoteServer.start();
    test = await startTransactionTest({ ATOLL_EXTRA_CA: peer.certificateFile, ATOLL_IP_DENYLIST: '' });
    test.keys[peer.serverName] = peer.key;
    const { db } = test.database;
    await db.insertInto('server_keys').values(knownKey(peer.serverName, peer.key)).execute();
    await db.insertInto('event_positions').values({ position: 10, event_nid: 1, room_nid: 1 }).execute();
    lists = new RemoteDeviceListReader(test.database, 'hs1' as ServerName);
  });
  afterAll(async () => {
    await test.stop();
    await peer.stop();
  });
  beforeEach(async () => {
    bob = peer.user(`bob${users++}`);
    await test.room({ members: { '@alice:hs1': 'join', [bob]: 'join' } });
    peer.received.length = 0;
  });

  const device = (deviceId: string, userId: string = bob): JsonObject => ({
    ...{ user_id: userId, device_id: deviceId, algorithms: ['a'], keys: { [`ed25519:${deviceId}`]: 'k' } },
    signatures: { [userId]: { [`ed25519:${deviceId}`]: 's' } },
  });
  const stranger = () => ({ user_id: peer.user('x'), keys: device('B', peer.user('x')) });
  const update = (
    streamId: number,
    prevIds: number[],
    deviceId: string,
    more: JsonObject = {},
  ): JsonObject => ({
    ...{ user_id: bob, device_id: deviceId, stream_id: streamId, prev_id: prevIds, keys: device(deviceId) },
    ...more,
  });
  async function send(type: string, content: JsonObject, origin = peer.serverName) {
    const edus: JsonValue[] = [{ edu_type: type, content }];
    const answer = await test.send([], { origin: origin as ServerName, edus });
    expect(answer).toEqual({ status: 200, body: { pdus: {} } });
  }
  const change = (content: JsonObject, origin?: string) => send('m.device_list_update', content, origin);
  const devicesOf = async () =>
    (await lists.fresh([bob]))
      .get(bob)
      ?.devices.map(({ deviceId }) => deviceId)
      .toSorted();
  const position = async () =>
    (
      await test.database.db
        .selectFrom('device_lists')
        .select('position')
        .where('user_id', '=', bob)
        .executeTakeFirst()
    )?.position;
  /** A list that was asked for and is complete. */
  async function know(streamId: number | null, ...ids: string[]) {
    await test.database.db.transaction().execute(async (trx) => {
      const transactor = new RemoteDeviceListTransactor(trx);
      const [begun] = await transactor.beginFetch([bob]);
      if (begun === undefined) throw new Error('nothing was begun');
      const devices = ids.map((id) => ({ deviceId: id as never, displayName: null, keys: device(id) }));
      await transactor.store(begun, { streamId, devices, masterKey: undefined, selfSigningKey: undefined });
    });
  }
  const answer = (streamId: number, ...ids: string[]) => ({
    body: {
      user_id: bob,
      stream_id: streamId,
      devices: ids.map((id) => ({ device_id: id, keys: device(id) })) as JsonValue[],
    },
  });
  const resyncAt = async () =>
    (
      await test.database.db
        .selectFrom('remote_device_lists')
        .select('resync_at')
        .where('user_id', '=', bob)
        .executeTakeFirst()
    )?.resync_at;
  const set = (row: { resync_at: number }) =>
    test.database.db.updateTable('remote_device_lists').set(row).where('user_id', '=', bob).execute();
  const asked = () => peer.received.filter(({ path }) => path.includes('/user/devices/')).length;
  async function eventually(what: string, isTrue: () => Promise<boolean>) {
    const deadline = Date.now() + 20_000;
    while (!(await isTrue())) {
      if (Date.now() > deadline) throw new Error(`There is no ${what}`);
      await sleep(50);
    }
  }

  it('take in updates that follow on what is known', async () => {
    await know(5, 'A');
    await change(update(6, [5], 'B', { device_display_name: 'Phone' }));
    expect(await devicesOf()).toEqual(['A', 'B']);
    const phone = (await lists.fresh([bob]))
      .get(bob)
      ?.devices.find(({ deviceId }) => String(deviceId) === 'B');
    expect(phone).toMatchObject({ deviceId: 'B', displayName: 'Phone', keys: device('B') });
    const told = await position();
    expect(told).toBeGreaterThan(0);
    await change({ user_id: bob, device_id: 'A', stream_id: 7, prev_id: [6], deleted: true });
    expect(await devicesOf()).toEqual(['B']);
    expect(await position()).toBeGreaterThan(told ?? 0);
    const last = await position();
    await change(update(7, [6], 'A', { deleted: true }));
    expect(await position()).toBe(last);
    expect(asked()).toBe(0);
  });

  it('hold a bounded number of devices, however many updates bring more', async () => {
    await know(5, ...Array.from({ length: 1_000 }, (_, n) => `D${n}`));
    await change(update(6, [5], 'more'));
    await change(update(7, [6], 'D1', { device_display_name: 'renamed' }));
    const devices = (await devicesOf())?.map(String);
    expect([devices?.length, devices?.includes('more'), devices?.includes('D1')]).toEqual([
      1_000,
      false,
      true,
    ]);
    await change({ user_id: bob, device_id: 'D2', stream_id: 8, prev_id: [7], deleted: true });
    await change(update(9, [8], 'more'));
    expect((await devicesOf())?.map(String)).toContain('more');
    expect(asked()).toBe(0);
  });

  it('are asked for anew when an update was missed', async () => {
    const undo = peer.on('GET', DEVICES, () => answer(9, 'C'));
    await know(5, 'A');
    await change(update(9, [8], 'C'));
    await eventually('new list', async () => (await devicesOf())?.join() === 'C');
    expect(asked()).toBe(1);
    await change(update(10, [9], 'D'));
    expect(await devicesOf()).toEqual(['C', 'D']);
    undo();
  });

  it('are gone on with from what was told before they were asked for', async () => {
    // As Synapse counts: the answer has the position of everybody's changes, the chain what this server was told of one user.
    const undo = peer.on('GET', DEVICES, () => answer(50, 'A', 'C'));
    await know(40, 'A');
    await change(update(9, [8], 'C'));
    await eventually('new list', async () => (await devicesOf())?.join() === 'A,C');
    const told = await position();
    await change(update(9, [8], 'C'));
    expect(await position()).toBe(told);
    await change(update(61, [9], 'D'));
    await change(update(62, [61], 'E'));
    expect((await devicesOf())?.join()).toBe('A,C,D,E');
    expect(asked()).toBe(1);
    // Only the last that was told counts.
    for (const [streamId, prevId] of [
      [63, 9],
      [64, 62],
    ] as const) {
      await change(update(streamId, [prevId], 'F'));
      await eventually('new list', async () => (await devicesOf())?.join() === 'A,C');
    }
    expect(asked()).toBe(3);
    undo();
  });

  it('have what was on its way when they were asked for, and perhaps what came after it', async () => {
    const undo = peer.on('GET', DEVICES, () => answer(50, 'A', 'C'));
    await know(40, 'A');
    await change(update(9, [8], 'C'));
    await eventually('new list', async () => (await devicesOf())?.join() === 'A,C');
    const told = await position();
    await change(update(45, [9], 'gone again'));
    expect([await devicesOf(), await position()]).toEqual([['A', 'C'], told]);
    await change(update(51, [45], 'D'));
    expect((await devicesOf())?.join()).toBe('A,C,D');
    expect(asked()).toBe(1);
    undo();
  });

  it('are asked for again when the answer is older than what was told', async () => {
    const undo = peer.on('GET', DEVICES, () => answer(50, 'A', 'C'));
    await know(40, 'A');
    await change(update(99, [98], 'D'));
    await eventually('new list', async () => (await devicesOf())?.join() === 'A,C');
    await change(update(100, [99], 'E'));
    await eventually('another question', () => Promise.resolve(asked() === 2));
    undo();
  });

  it('are asked for while another server keeps silent', async () => {
    const undo = peer.on('GET', DEVICES, () => answer(9, 'C'));
    const silent = createServer();
    const asking = once(silent.listen(0, '127.0.0.1'), 'connection') as Promise<[Socket]>;
    await once(silent, 'listening');
    const carol = `@carol:localhost:${(silent.address() as AddressInfo).port}` as UserId;
    await test.room({ members: { '@alice:hs1': 'join', [carol]: 'join' } });
    const { db } = test.database;
    await db.insertInto('remote_device_lists').values({ user_id: carol, resync_at: 0 }).execute();
    const [socket] = await asking;
    let isSilent = true;
    socket.on('close', () => (isSilent = false)).resume();
    await know(5, 'A');
    await change(update(9, [8], 'C'));
    await eventually('new list', async () => (await devicesOf())?.join() === 'C');
    expect(isSilent).toBe(true);
    socket.destroy();
    silent.close();
    undo();
  });

  it('are asked for again, later, when there is no answer', async () => {
    const undo = peer.on('GET', DEVICES, () => matrixError(500, 'M_UNKNOWN', 'no'));
    await know(5, 'A');
    await change(update(9, [8], 'C'));
    expect(await devicesOf()).toBeUndefined();
    const tries = async () =>
      (
        await test.database.db
          .selectFrom('remote_device_lists')
          .select('tries')
          .where('user_id', '=', bob)
          .executeTakeFirstOrThrow()
      ).tries;
    await eventually('first try', async () => asked() >= 1 && (await tries()) >= 1);
    undo();
    const now = peer.on('GET', DEVICES, () => answer(9, 'C'));
    await eventually('second try', async () => (await devicesOf())?.join() === 'C');
    expect(await tries()).toBe(0);
    now();
  });

  it('are not asked for sooner, nor once more, because of more updates', async () => {
    const undo = peer.on('GET', DEVICES, () => matrixError(500, 'M_UNKNOWN', 'no'));
    await know(5, 'A');
    await change(update(9, [8], 'C'));
    // Shorter than a claim: the failure of the first try was noted.
    const isPostponed = async () => asked() >= 1 && Number(await resyncAt()) < Date.now() + 60_000;
    await eventually('second try to come', isPostponed);
    const later = Date.now() + 60_000;
    // Another instance has it, or it waits after many tries.
    await set({ resync_at: later });
    const before = asked();
    await change(update(11, [10], 'D'));
    await sleep(1_500);
    expect([await resyncAt(), asked()]).toEqual([later, before]);
    undo();
    const now = peer.on('GET', DEVICES, () => answer(11, 'D'));
    await set({ resync_at: 0 });
    await eventually('list', async () => (await devicesOf())?.join() === 'D');
    now();
  });

  it('stay stale when an update comes while they are asked for', async () => {
    await know(5, 'A');
    let calls = 0;
    const undo = peer.on('GET', DEVICES, async () => {
      calls += 1;
      if (calls > 1) return answer(11, 'A', 'new');
      await change(update(11, [10], 'new'));
      return answer(9, 'A');
    });
    await change(update(9, [8], 'A'));
    await eventually('complete list', async () => (await devicesOf())?.join() === 'A,new');
    expect(calls).toBeGreaterThan(1);
    undo();
  });

  it('are not asked for where nobody wanted them', async () => {
    await change(update(9, [8], 'C'));
    expect(await position()).toBeGreaterThan(0);
    expect(await devicesOf()).toBeUndefined();
    await sleep(1_500);
    expect(asked()).toBe(0);
  });

  it('count as unknown when the room was left meanwhile', async () => {
    await know(5, 'A');
    expect(await devicesOf()).toEqual(['A']);
    await test.database.db
      .updateTable('memberships')
      .set({ position: 20 })
      .where('user_nid', 'in', (eb) =>
        eb.selectFrom('state_keys').select('state_key_nid').where('state_key', '=', bob),
      )
      .execute();
    expect(await devicesOf()).toBeUndefined();
    await change(update(6, [5], 'B'));
    expect(await devicesOf()).toBeUndefined();
    expect(asked()).toBe(0);
  });

  it('take in cross-signing keys', async () => {
    await know(5, 'A');
    const key = (usage: string) => ({ user_id: bob, usage: [usage], keys: { 'ed25519:k': 'k' } });
    await send('m.signing_key_update', {
      user_id: bob,
      master_key: key('master'),
      self_signing_key: key('self_signing'),
    });
    expect((await lists.fresh([bob])).get(bob)).toMatchObject({
      masterKey: key('master'),
      selfSigningKey: key('self_signing'),
    });
    const told = await position();
    await send('m.signing_key_update', { user_id: bob, master_key: key('self_signing') });
    await send('m.signing_key_update', { user_id: bob, master_key: { ...key('master'), user_id: '@x:hs3' } });
    await send('m.signing_key_update', { user_id: bob });
    expect(await position()).toBe(told);
  });

  it('are not changed by other servers', async () => {
    await know(5, 'A');
    const before = await position();
    await change(update(6, [5], 'B'), HS3);
    expect(await devicesOf()).toEqual(['A']);
    expect(await position()).toBe(before);
  });

  it.each<[string, () => JsonObject]>([
    ['keys of another user', () => ({ keys: device('B', '@eve:hs3') })],
    ['keys of another device', () => ({ keys: device('C') })],
    ['keys that are none', () => ({ keys: { user_id: bob, device_id: 'B' } })],
    ['no number', () => ({ stream_id: '6' })],
    ['predecessors that are none', () => ({ prev_id: ['5'] })],
    ['no device', () => ({ device_id: '' })],
    ['a user with whom no room is shared', stranger],
  ])('are not changed by lies about %s', async (_, lie) => {
    await know(5, 'A');
    const before = await position();
    await change({ ...update(6, [5], 'B'), ...lie() });
    expect(await devicesOf()).toEqual(['A']);
    expect(await position()).toBe(before);
  });
});
