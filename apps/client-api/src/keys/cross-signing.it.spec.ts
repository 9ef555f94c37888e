import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  passwordAuth,
  startTestClientApi,
  type TestClientApi,
  type TestUser,
} from '../test-client-api.spec-support.js';
import { ClientKey, CrossSigning, deviceKeysOf, keyRequests } from './test-keys.spec-support.js';

let api: TestClientApi;
let requests: ReturnType<typeof keyRequests>;
let users = 0;
beforeAll(async () => {
  api = await startTestClientApi();
  requests = keyRequests(api);
});
afterAll(() => api.close());

/** A user with identity and cross-signing keys. */
async function newcomer() {
  const user = await api.register(`user${users++}`);
  const deviceKey = new ClientKey();
  const device = deviceKeysOf(user, deviceKey);
  await requests.upload(user, { device_keys: device });
  const crossSigning = new CrossSigning(user.userId);
  expect((await requests.uploadCrossSigning(user, crossSigning.upload)).status).toBe(200);
  return { ...user, deviceKey, device, crossSigning };
}
const query = async (viewer: TestUser, { userId }: TestUser) =>
  (await requests.query(viewer, { device_keys: { [userId]: [] } })).body as Record<string, JsonObject>;

describe('cross-signing keys', () => {
  it('are told to everybody but for the user-signing key', async () => {
    const [alice, bob] = [await newcomer(), await newcomer()];
    const { master_key, self_signing_key, user_signing_key } = alice.crossSigning.upload;
    const told = {
      master_keys: { [alice.userId]: master_key },
      self_signing_keys: { [alice.userId]: self_signing_key },
      user_signing_keys: {},
    };
    expect(await query(bob, alice)).toMatchObject(told);
    expect((await query(bob, alice))['user_signing_keys']).toEqual({});
    expect(await query(alice, alice)).toMatchObject({
      ...told,
      user_signing_keys: { [alice.userId]: user_signing_key },
    });
  });

  it('need a password to be replaced, but not to be uploaded again', async () => {
    const alice = await newcomer();
    expect((await requests.uploadCrossSigning(alice, alice.crossSigning.upload)).status).toBe(200);
    const next = new CrossSigning(alice.userId);
    const challenge = await requests.uploadCrossSigning(alice, next.upload);
    expect(challenge).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } });
    const wrong = passwordAuth(alice.userId, challenge.body['session'], 'wrong');
    expect((await requests.uploadCrossSigning(alice, { ...next.upload, auth: wrong })).status).toBe(401);
    expect((await query(alice, alice))['master_keys']).toEqual({
      [alice.userId]: alice.crossSigning.upload.master_key,
    });
    const auth = passwordAuth(alice.userId, challenge.body['session']);
    expect((await requests.uploadCrossSigning(alice, { ...next.upload, auth })).status).toBe(200);
    expect((await query(alice, alice))['master_keys']).toEqual({ [alice.userId]: next.upload.master_key });
  });

  it.each<[string, JsonObject]>([
    ['another usage', { usage: ['master', 'x'] }],
    ['another field', { 'org.example.field': 1 }],
  ])('need a password to be replaced by %s of the same public key', async (_, change) => {
    const [alice, bob] = [await newcomer(), await newcomer()];
    const { userSigning } = bob.crossSigning;
    const { upload, master } = alice.crossSigning;
    const signed = userSigning.sign(upload.master_key, bob.userId, userSigning.publicKey);
    await requests.uploadSignatures(bob, { [alice.userId]: { [master.publicKey]: signed } });
    const other = { master_key: { ...upload.master_key, ...change } };
    const challenge = await requests.uploadCrossSigning(alice, other);
    expect(challenge.status).toBe(401);
    expect((await query(bob, alice))['master_keys']).toEqual({ [alice.userId]: signed });
    // What others signed is not this one.
    const auth = passwordAuth(alice.userId, challenge.body['session']);
    expect((await requests.uploadCrossSigning(alice, { ...other, auth })).status).toBe(200);
    expect((await query(bob, alice))['master_keys']).toEqual({ [alice.userId]: other.master_key });
  });

  it('keep their signatures when they are uploaded again, and get more', async () => {
    const [alice, bob] = [await newcomer(), await newcomer()];
    const { userId, deviceId, deviceKey, crossSigning } = alice;
    const { master_key: bare } = crossSigning.upload;
    const ofDevice = deviceKey.sign(bare, userId, deviceId);
    const told = async () => (await query(bob, alice))['master_keys']?.[userId];
    expect((await requests.uploadCrossSigning(alice, { master_key: ofDevice })).status).toBe(200);
    expect(await told()).toEqual(ofDevice);
    const forged = { ...bare, signatures: { [userId]: { [`ed25519:${deviceId}`]: 'forged' } } };
    for (const repeated of [bare, forged]) {
      expect((await requests.uploadCrossSigning(alice, { master_key: repeated })).status).toBe(200);
      expect(await told()).toEqual(ofDevice);
    }
    const second = new ClientKey();
    const ofSecond = { master_key: second.sign(bare, userId, 'SECOND') };
    expect((await requests.uploadCrossSigning(alice, ofSecond)).status).toBe(200);
    expect(await told()).toEqual(second.sign(ofDevice, userId, 'SECOND'));
  });

  it('have a bounded number of signatures', async () => {
    const { crossSigning, ...alice } = await newcomer();
    const many = (name: string) => ({
      master_key: {
        ...crossSigning.upload.master_key,
        signatures: { [alice.userId]: { [`ed25519:${name}`]: 'x'.repeat(10_000) } },
      },
    });
    expect((await requests.uploadCrossSigning(alice, many('A'))).status).toBe(200);
    expect(await requests.uploadCrossSigning(alice, many('B'))).toMatchObject({
      status: 403,
      body: { errcode: 'M_RESOURCE_LIMIT_EXCEEDED' },
    });
  });

  it('are uploaded once when two devices do at the same time', async () => {
    const user = await api.register(`user${users++}`);
    const answers = await Promise.all(
      [new CrossSigning(user.userId), new CrossSigning(user.userId)].map(({ upload }) =>
        requests.uploadCrossSigning(user, upload),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401]);
  });

  it.each<[string, number, string, (keys: CrossSigning) => JsonObject]>([
    [
      'without a master key',
      400,
      'M_MISSING_PARAM',
      ({ upload }) => ({ self_signing_key: upload.self_signing_key }),
    ],
    [
      'not signed by the master key',
      400,
      'M_INVALID_SIGNATURE',
      (keys) => ({ ...keys.upload, self_signing_key: keys.body(keys.selfSigning, 'self_signing') }),
    ],
    [
      'signed by another master key',
      400,
      'M_INVALID_SIGNATURE',
      (keys) => ({ ...keys.upload, user_signing_key: new CrossSigning(keys.userId).upload.user_signing_key }),
    ],
    [
      'of another user',
      400,
      'M_INVALID_PARAM',
      () => ({ master_key: new CrossSigning('@other:hs1').upload.master_key }),
    ],
    [
      'for another usage',
      400,
      'M_INVALID_PARAM',
      (keys) => ({ master_key: keys.body(keys.master, 'self_signing') }),
    ],
    [
      'with another name',
      400,
      'M_BAD_JSON',
      (keys) => ({
        master_key: { ...keys.upload.master_key, keys: { 'ed25519:other': keys.master.publicKey } },
      }),
    ],
    [
      'that are no keys',
      400,
      'M_BAD_JSON',
      ({ upload }) => ({ master_key: { ...upload.master_key, keys: { 'ed25519:AAAA': 'AAAA' } } }),
    ],
  ])('%s are refused', async (_, status, errcode, change) => {
    const user = await api.register(`user${users++}`);
    const answer = await requests.uploadCrossSigning(user, change(new CrossSigning(user.userId)));
    expect(answer).toMatchObject({ status, body: { errcode } });
    expect((await query(user, user))['master_keys']).toEqual({});
  });

  it('and devices have different names', async () => {
    const name = `user${users++}`;
    const user = await api.register(name);
    const keys = new CrossSigning(user.userId);
    const device = await api.logIn(name, { device_id: keys.master.publicKey });
    const taken = { status: 403, body: { errcode: 'M_FORBIDDEN' } };
    expect(await requests.uploadCrossSigning(user, keys.upload)).toMatchObject(taken);
    await api.request('POST', '/logout', { token: device.token });
    expect((await requests.uploadCrossSigning(user, keys.upload)).status).toBe(200);
    await expect(api.logIn(name, { device_id: keys.master.publicKey })).rejects.toThrow('M_FORBIDDEN');
  });
});

describe('signatures', () => {
  it('of the own device and master key are for everybody to see', async () => {
    const [alice, bob] = [await newcomer(), await newcomer()];
    const { userId, deviceId, crossSigning } = alice;
    const { selfSigning, master } = crossSigning;
    const device = selfSigning.sign(alice.device, userId, selfSigning.publicKey);
    const masterKey = alice.deviceKey.sign(crossSigning.upload.master_key, userId, deviceId);
    const body = { [userId]: { [deviceId]: device, [master.publicKey]: masterKey } };
    expect((await requests.uploadSignatures(alice, body)).body).toEqual({ failures: {} });
    expect((await requests.uploadSignatures(alice, body)).body).toEqual({ failures: {} });
    expect(await query(bob, alice)).toMatchObject({
      device_keys: { [userId]: { [deviceId]: device } },
      master_keys: { [userId]: masterKey },
    });
    // They are of the keys that were signed.
    await requests.upload(alice, { device_keys: deviceKeysOf(alice) });
    const told = (await query(bob, alice))['device_keys']?.[userId] as Record<string, JsonObject>;
    expect(JSON.stringify(told[deviceId])).not.toContain(selfSigning.publicKey);
  });

  it('of the master key of another are for their signer to see', async () => {
    const [alice, bob, carol] = [await newcomer(), await newcomer(), await newcomer()];
    const { userSigning } = alice.crossSigning;
    const { master } = bob.crossSigning;
    const signed = userSigning.sign(bob.crossSigning.upload.master_key, alice.userId, userSigning.publicKey);
    const body = { [bob.userId]: { [master.publicKey]: signed } };
    expect((await requests.uploadSignatures(alice, body)).body).toEqual({ failures: {} });
    expect((await query(alice, bob))['master_keys']).toEqual({ [bob.userId]: signed });
    for (const viewer of [bob, carol]) {
      expect((await query(viewer, bob))['master_keys']).toEqual({
        [bob.userId]: bob.crossSigning.upload.master_key,
      });
    }
  });

  it('that are wrong are told one by one, beside those that are right', async () => {
    const [alice, bob] = [await newcomer(), await newcomer()];
    const { userId, deviceId, crossSigning, device } = alice;
    const { selfSigning, userSigning, master } = crossSigning;
    const bobsMaster = bob.crossSigning.master.publicKey;
    const right = selfSigning.sign(device, userId, selfSigning.publicKey);
    const wrong = new ClientKey();
    const { body } = await requests.uploadSignatures(alice, {
      [userId]: {
        [deviceId]: right,
        // By a key of the right name.
        [master.publicKey]: wrong.sign(crossSigning.upload.master_key, userId, deviceId),
        UNKNOWN: right,
      },
      [bob.userId]: {
        // By a key that does not sign this.
        [bobsMaster]: selfSigning.sign(bob.crossSigning.upload.master_key, userId, selfSigning.publicKey),
        [bob.deviceId]: userSigning.sign(bob.device, userId, userSigning.publicKey),
      },
    });
    expect(body).toMatchObject({
      failures: {
        [userId]: {
          [master.publicKey]: { errcode: 'M_INVALID_SIGNATURE' },
          UNKNOWN: { errcode: 'M_NOT_FOUND' },
        },
        [bob.userId]: {
          [bobsMaster]: { errcode: 'M_INVALID_SIGNATURE' },
          [bob.deviceId]: { errcode: 'M_NOT_FOUND' },
        },
      },
    });
    expect(JSON.stringify(body)).not.toContain(`"${deviceId}"`);
    const told = (await query(bob, alice))['device_keys']?.[userId] as Record<string, JsonObject>;
    expect(told[deviceId]).toEqual(right);
  });

  it('of another key than the known one are refused', async () => {
    const alice = await newcomer();
    const { userId, deviceId, crossSigning } = alice;
    const { selfSigning } = crossSigning;
    const other = selfSigning.sign({ ...alice.device, algorithms: [] }, userId, selfSigning.publicKey);
    const { body } = await requests.uploadSignatures(alice, { [userId]: { [deviceId]: other } });
    expect(body).toMatchObject({
      failures: { [userId]: { [deviceId]: { errcode: 'M_INVALID_SIGNATURE' } } },
    });
  });
});

describe('queries', () => {
  it('tell the devices that are asked for, and failures of servers that cannot be asked', async () => {
    const alice = await newcomer();
    const { body } = await requests.query(alice, {
      device_keys: { [alice.userId]: ['NONE'], '@nobody:hs1': [], '@carol:elsewhere.example': [] },
    });
    expect(body).toMatchObject({
      device_keys: { [alice.userId]: {}, '@nobody:hs1': {} },
      failures: { 'elsewhere.example': { errcode: 'M_UNKNOWN' } },
    });
  });

  it.each([
    {},
    { device_keys: [] },
    { device_keys: { '@a:hs1': { DEVICE: '' } } },
    { device_keys: { nobody: [] } },
  ])('%j are refused', async (body) => {
    const user = await api.register(`user${users++}`);
    expect(await requests.query(user, body)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
  });
});
