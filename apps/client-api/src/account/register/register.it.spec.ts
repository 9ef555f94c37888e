import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RegistrationTokenTransactor } from '@atoll/database';
import { PASSWORD, startTestClientApi, type TestClientApi } from '../../test-client-api.spec-support.js';

const dummy = { type: 'm.login.dummy' };

describe('open registration', () => {
  let api: TestClientApi;
  beforeAll(async () => (api = await startTestClientApi()));
  afterAll(() => api.close());

  const register = (body: object, query = '') =>
    api.request('POST', `/register${query}`, { body: { ...body } });

  it('tells the flows, as exactly application/json', async () => {
    const { status, body, headers } = await register({});
    expect(status).toBe(401);
    expect(body).toEqual({ flows: [{ stages: ['m.login.dummy'] }], params: {}, session: expect.any(String) });
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  it('registers with dummy authentication, with and without the session', async () => {
    const { body: challenge } = await register({ username: 'with.session', password: PASSWORD });
    const auth = { ...dummy, session: challenge['session'] };
    const first = await register({ username: 'with.session', password: PASSWORD, auth });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      user_id: '@with.session:hs1',
      device_id: expect.any(String),
      access_token: expect.any(String),
    });
    const second = await register({
      username: 'without',
      password: PASSWORD,
      auth: dummy,
      device_id: 'PHONE',
    });
    expect(second.body).toMatchObject({ user_id: '@without:hs1', device_id: 'PHONE' });
  });

  it('ends a session with its use, and knows no invented ones', async () => {
    const { body: challenge } = await register({});
    const auth = { ...dummy, session: challenge['session'] };
    expect((await register({ username: 'once', password: PASSWORD, auth })).status).toBe(200);
    const again = await register({ username: 'twice', password: PASSWORD, auth });
    expect(again.status).toBe(401);
    expect(again.body).toMatchObject({ errcode: 'M_FORBIDDEN', flows: [{ stages: ['m.login.dummy'] }] });
    expect(again.body['session']).not.toBe(challenge['session']);
  });

  it.each('! " : ? \\ @ [ ] { | } £ é \n \''.split(' '))(
    'refuses the username character %j',
    async (character) => {
      const { status, body } = await register({
        username: `user${character}name`,
        password: PASSWORD,
        auth: dummy,
      });
      expect([status, body['errcode']]).toEqual([400, 'M_INVALID_USERNAME']);
    },
  );

  it.each('q 3 . _ = - /'.split(' '))('accepts the username character %j', async (character) => {
    const { body } = await register({ username: `chr${character}user`, password: PASSWORD, auth: dummy });
    expect(body['user_id']).toBe(`@chr${character}user:hs1`);
  });

  it('folds capitals, and lets nobody take a name twice', async () => {
    const { body } = await register({ username: 'MiXeD', password: PASSWORD, auth: dummy });
    expect(body['user_id']).toBe('@mixed:hs1');
    const again = await register({ username: 'mixed', password: PASSWORD });
    expect([again.status, again.body['errcode']]).toEqual([400, 'M_USER_IN_USE']);
    const taken = await api.request('GET', '/register/available?username=Mixed');
    expect([taken.status, taken.body['errcode']]).toEqual([400, 'M_USER_IN_USE']);
    expect((await api.request('GET', '/register/available?username=free')).body).toEqual({ available: true });
  });

  it('gives one of two simultaneous registrations the name', async () => {
    const both = await Promise.all(
      [1, 2].map(() => register({ username: 'raced', password: PASSWORD, auth: dummy })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  it('makes up a username, and logs nobody in who does not want it', async () => {
    const { body } = await register({ password: PASSWORD, auth: dummy, inhibit_login: true });
    expect(body).toEqual({ user_id: expect.stringMatching(/^@[a-z2-7]{12}:hs1$/) });
  });

  it.each([
    ['a weak password', { username: 'weak', password: 'short', auth: dummy }, 400, 'M_WEAK_PASSWORD'],
    ['no password', { username: 'none', auth: dummy }, 400, 'M_MISSING_PARAM'],
    ['a number as username', { username: 5, password: PASSWORD }, 400, 'M_BAD_JSON'],
    ['a NUL in the session', { password: PASSWORD, auth: { ...dummy, session: '\0' } }, 400, 'M_BAD_JSON'],
    ['another stage', { password: PASSWORD, auth: { type: 'm.login.password' } }, 401, 'M_UNRECOGNIZED'],
  ])('refuses %s', async (_name, body, status, errcode) => {
    const answer = await register(body);
    expect([answer.status, answer.body['errcode']]).toEqual([status, errcode]);
  });

  it('refuses what is not JSON', async () => {
    for (const body of ['{"username":', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]) {
      const answer = await api.request('POST', '/register', { body });
      expect([answer.status, answer.body['errcode']]).toEqual([400, 'M_NOT_JSON']);
    }
  });
});

describe('registration by token', () => {
  let api: TestClientApi;
  beforeAll(async () => {
    api = await startTestClientApi({ ATOLL_REGISTRATION: 'token' });
    await api.database.db.transaction().execute(async (trx) => {
      const tokens = new RegistrationTokenTransactor(trx);
      await tokens.create({ token: 'once', usesAllowed: 1, expiresTs: null });
      await tokens.create({ token: 'thrice', usesAllowed: 3, expiresTs: null });
      await tokens.create({ token: 'late', usesAllowed: null, expiresTs: Date.now() - 1 });
    });
  });
  afterAll(() => api.close());

  const isValid = async (token: string) => {
    const path = `/_matrix/client/v1/register/m.login.registration_token/validity?token=${token}`;
    return (await api.request('GET', path)).body['valid'];
  };
  const register = (username: string, token: string) =>
    api.request('POST', '/register', {
      body: { username, password: PASSWORD, auth: { type: 'm.login.registration_token', token } },
    });

  it('wants a valid token, which lasts for its uses', async () => {
    expect([await isValid('once'), await isValid('late'), await isValid('wrong')]).toEqual([
      true,
      false,
      false,
    ]);
    const refused = await register('late', 'late');
    expect(refused.status).toBe(401);
    expect(refused.body).toMatchObject({
      errcode: 'M_FORBIDDEN',
      flows: [{ stages: ['m.login.registration_token'] }],
      session: expect.any(String),
    });
    expect((await register('first', 'once')).status).toBe(200);
    expect(await isValid('once')).toBe(false);
    expect((await register('second', 'once')).status).toBe(401);
  });

  it('lets no more in than a token has uses, however many come at once', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `racer-${n}`);
    const statuses = await Promise.all(names.map(async (name) => (await register(name, 'thrice')).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    expect([200, 401, 403]).toEqual(expect.arrayContaining(statuses));
  });
});

describe('closed registration', () => {
  let api: TestClientApi;
  beforeAll(async () => (api = await startTestClientApi({ ATOLL_REGISTRATION: 'closed' })));
  afterAll(() => api.close());

  it('refuses everybody', async () => {
    for (const [method, path] of [
      ['POST', '/register'],
      ['GET', '/register/available?username=free'],
      ['GET', '/_matrix/client/v1/register/m.login.registration_token/validity?token=x'],
    ] as const) {
      const { status, body } = await api.request(method, path);
      expect([status, body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    }
  });
});
