import {
  commitInLanes,
  DeviceKeyTransactor,
  DeviceListTransactor,
  DeviceTransactor,
  OneTimeKeyTransactor,
} from '@atoll/database';
import type { DeviceId, JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { alice, type Asked, startAsked } from './room-reads.spec-support.js';

const PHONE = 'PHONE' as DeviceId;
const ALGORITHM = 'signed_curve25519';
const QUERY = '/_matrix/federation/v1/user/keys/query';
const CLAIM = '/_matrix/federation/v1/user/keys/claim';
const devicesOf = (userId: string) => `/_matrix/federation/v1/user/devices/${encodeURIComponent(userId)}`;

describe('keys of local users, for other servers', () => {
  let asked: Asked;
  const keys: JsonObject = {
    ...{ user_id: alice, device_id: PHONE, algorithms: ['a'], keys: { [`ed25519:${PHONE}`]: 'k' } },
    signatures: { [alice]: { [`ed25519:${PHONE}`]: 's' } },
  };
  const crossSigning = (usage: string) => ({
    ...{ user_id: alice, usage: [usage], keys: { [`ed25519:${usage}`]: usage } },
  });

  beforeAll(async () => {
    asked = await startAsked();
    const { db } = asked.database;
    await db
      .insertInto('users')
      .values({ user_id: alice, password_hash: null, is_admin: false, created_ts: 0 })
      .execute();
    await commitInLanes(db, async (trx, closing) => {
      const devices = new DeviceTransactor(trx, closing);
      for (const [deviceId, name] of [[PHONE, 'Phone'] as const, ['OTHER' as DeviceId, null] as const]) {
        await devices.logIn({ userId: alice, deviceId, initialDisplayName: name, ip: null });
      }
    });
    await commitInLanes(db, async (trx, closing) => {
      const device = { userId: alice, deviceId: PHONE };
      const transactor = new DeviceKeyTransactor(trx);
      await transactor.putDeviceKeys(device, JSON.stringify(keys));
      for (const usage of ['master', 'self_signing', 'user_signing'] as const) {
        const key = { usage, publicKey: usage, key: JSON.stringify(crossSigning(usage)) };
        await transactor.putCrossSigningKey(alice, key, undefined);
      }
      await new DeviceListTransactor(trx, closing).markChanged([alice]);
      await new OneTimeKeyTransactor(trx, closing).upload({
        ...device,
        oneTimeKeys: ['1', '2'].map((keyId) => ({ algorithm: ALGORITHM, keyId, key: `{"key":"${keyId}"}` })),
        fallbackKeys: [],
      });
    });
  });
  afterAll(() => asked.close());

  const post = (path: string, content: JsonObject) => asked.ask('hs2', 'POST', path, content);
  const known = { ...keys, unsigned: { device_display_name: 'Phone' } };

  it('are told without the user-signing key', async () => {
    const all = await post(QUERY, { device_keys: { [alice]: [], '@nobody:hs1': [] } });
    expect(all).toMatchObject({ status: 200 });
    expect(all.body).toEqual({
      device_keys: { [alice]: { [PHONE]: known }, '@nobody:hs1': {} },
      master_keys: { [alice]: crossSigning('master') },
      self_signing_keys: { [alice]: crossSigning('self_signing') },
    });
    expect(await post(QUERY, { device_keys: { [alice]: ['NONE'] } })).toMatchObject({
      body: { device_keys: { [alice]: {} } },
    });
  });

  it('are listed, with the number of the last change of a device', async () => {
    const { status, body } = await asked.ask('hs2', 'GET', devicesOf(alice));
    expect(status).toBe(200);
    expect(body).toEqual({
      user_id: alice,
      stream_id: 4,
      devices: [{ device_id: PHONE, device_display_name: 'Phone', keys }],
      master_key: crossSigning('master'),
      self_signing_key: crossSigning('self_signing'),
    });
    expect(await asked.ask('hs2', 'GET', devicesOf('@nobody:hs1'))).toMatchObject({
      ...{ status: 200, body: { stream_id: 0, devices: [] } },
    });
  });

  it('are given out once each', async () => {
    const claim = () => post(CLAIM, { one_time_keys: { [alice]: { [PHONE]: ALGORITHM, OTHER: ALGORITHM } } });
    const claims = await Promise.all([claim(), claim(), claim()]);
    const given = claims.map(({ body }) => (body as { one_time_keys: JsonObject }).one_time_keys);
    const two = ['1', '2'].map((id) => ({ [alice]: { [PHONE]: { [`${ALGORITHM}:${id}`]: { key: id } } } }));
    expect(given).toHaveLength(3);
    expect(given).toEqual(expect.arrayContaining([{}, ...two]));
  });

  it.each<[string, string, JsonObject]>([
    ['users of others', QUERY, { device_keys: { '@bob:hs2': [] } }],
    ['an object in the place of a list', QUERY, { device_keys: { [alice]: {} } }],
    ['nobody', QUERY, {}],
    [
      'too many',
      QUERY,
      { device_keys: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`@u${i}:hs1`, []])) },
    ],
    ['keys of others', CLAIM, { one_time_keys: { '@bob:hs2': { A: ALGORITHM } } }],
    ['no algorithm', CLAIM, { one_time_keys: { [alice]: { A: 1 } } }],
  ])('are refused for %s', async (_, path, body) => {
    expect(await post(path, body)).toMatchObject({ status: 400 });
  });

  it('are refused to those who ask for users of others, or do not sign', async () => {
    expect(await asked.ask('hs2', 'GET', devicesOf('@bob:hs2'))).toMatchObject({
      ...{ status: 400, body: { errcode: 'M_INVALID_PARAM' } },
    });
    expect(await asked.askUnsigned(devicesOf(alice))).toMatchObject({ status: 401 });
  });
});
