import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  passwordAuth,
  startTestClientApi,
  type TestClientApi,
  type TestUser,
} from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
  alice = await api.register('alice', { initial_device_display_name: 'first' });
  await api.register('bob');
});
afterAll(() => api.close());

const call = (method: string, path: string, body?: object) =>
  api.request(method, path, { token: alice.token, ...(body && { body: { ...body } }) });

describe('devices', () => {
  it('are listed, read and renamed', async () => {
    const { deviceId } = await api.logIn('alice', { device_id: 'odd/+ id' });
    const path = `/devices/${encodeURIComponent(deviceId)}`;
    expect((await call('PUT', path, { display_name: 'second' })).body).toEqual({});
    expect((await call('PUT', path, {})).body).toEqual({});
    expect((await call('GET', path)).body).toMatchObject({ device_id: 'odd/+ id', display_name: 'second' });
    const { body } = await call('GET', '/devices');
    expect(body['devices']).toHaveLength(2);
    expect(body['devices']).toContainEqual({
      device_id: alice.deviceId,
      display_name: 'first',
      last_seen_ip: '127.0.0.1',
      last_seen_ts: expect.any(Number),
    });
  });

  it('of others or of nobody are not found', async () => {
    const bob = await api.logIn('bob');
    for (const deviceId of [bob.deviceId, 'NONE', '%00']) {
      expect((await call('GET', `/devices/${deviceId}`)).body['errcode']).toBe('M_NOT_FOUND');
      expect((await call('PUT', `/devices/${deviceId}`, { display_name: 'x' })).status).toBe(404);
    }
  });
});

describe('deleting a device', () => {
  it('asks for the password first', async () => {
    const { deviceId, token } = await api.logIn('alice');
    const { status, body } = await call('DELETE', `/devices/${deviceId}`);
    expect(status).toBe(401);
    expect(body).toEqual({
      flows: [{ stages: ['m.login.password'] }],
      params: {},
      session: expect.any(String),
    });
    const { session } = body;
    const wrong = await call('DELETE', `/devices/${deviceId}`, {
      auth: passwordAuth('alice', session, 'wrong one'),
    });
    expect(wrong.status).toBe(401);
    expect(wrong.body).toMatchObject({
      errcode: 'M_FORBIDDEN',
      session,
      flows: [{ stages: ['m.login.password'] }],
    });
    const others = await call('DELETE', `/devices/${deviceId}`, { auth: passwordAuth('bob', session) });
    expect([others.status, others.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    expect(await api.statusOf(token)).toBe(200);
    const right = await call('DELETE', `/devices/${deviceId}`, { auth: passwordAuth('@ALICE:hs1', session) });
    expect([right.status, right.body]).toEqual([200, {}]);
    expect(await api.statusOf(token)).toBe(401);
    expect((await call('GET', `/devices/${deviceId}`)).status).toBe(404);
  });

  it('takes no session that was opened for another device', async () => {
    const [one, two] = [await api.logIn('alice'), await api.logIn('alice')];
    const { body } = await call('DELETE', `/devices/${one.deviceId}`);
    const auth = passwordAuth('alice', body['session']);
    const { status } = await call('DELETE', `/devices/${two.deviceId}`, { auth });
    expect(status).toBe(401);
    expect(await api.statusOf(two.token)).toBe(200);
  });

  it('deletes many at once', async () => {
    const [one, two] = [await api.logIn('alice'), await api.logIn('alice')];
    const bob = await api.logIn('bob');
    const devices = [one.deviceId, two.deviceId, bob.deviceId, 'NONE'];
    const { status } = await call('POST', '/delete_devices', { devices });
    expect(status).toBe(401);
    const auth = passwordAuth('alice', undefined);
    expect((await call('POST', '/delete_devices', { devices, auth })).body).toEqual({});
    const statuses = await Promise.all([one, two, bob].map(({ token }) => api.statusOf(token)));
    expect(statuses).toEqual([401, 401, 200]);
    expect((await call('POST', '/delete_devices', { auth })).body['errcode']).toBe('M_BAD_JSON');
  });
});
