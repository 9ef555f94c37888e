import {
  AccountReader,
  RegistrationTokenReader,
  RegistrationTokenTransactor,
  UiaSessionReader,
} from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openPlatform, type Platform } from '../../platform/platform.js';
import { startTestClientApi, type TestClientApi, textOf } from '../../test-client-api.spec-support.js';
import { PasswordCheck } from '../password-check.js';
import { PasswordHasher } from '../password-hasher.js';
import { RateLimiter } from '../rate-limiter.js';
import { AuthenticationChallenge } from './authentication-challenge.js';
import { PasswordStage } from './password.stage.js';
import { RegistrationTokenStage } from './registration-token.stage.js';
import { UserInteractiveAuth } from './user-interactive-auth.js';

const TOKEN = 'm.login.registration_token';
const DUMMY = 'm.login.dummy';

let api: TestClientApi;
let platforms: Platform[];
/** Two instances, so that each step of a flow may land on another one. */
let instances: UserInteractiveAuth[];

beforeAll(async () => {
  api = await startTestClientApi();
  platforms = await Promise.all(
    ['one', 'two'].map((instanceId) => openPlatform({ ...api.config, instanceId })),
  );
  instances = platforms.map(({ config, database, redis }) => {
    const limiter = new RateLimiter(config, redis);
    const check = new PasswordCheck(new AccountReader(database), new PasswordHasher(config));
    const tokenStage = new RegistrationTokenStage(new RegistrationTokenReader(database), limiter);
    const passwordStage = new PasswordStage(config, check, limiter);
    return new UserInteractiveAuth(
      new UiaSessionReader(database),
      database,
      limiter,
      passwordStage,
      tokenStage,
    );
  });
  await api.database.db.transaction().execute((trx) => {
    return new RegistrationTokenTransactor(trx).create({ token: 'good', usesAllowed: null, expiresTs: null });
  });
});
afterAll(async () => {
  await Promise.all(platforms.map((platform) => platform.close()));
  await api.close();
});

let turn = 0;

/** What the stages proved, or the challenge. */
async function attempt(auth: JsonObject, operation = 'test'): Promise<JsonObject> {
  const instance = instances[turn++ % instances.length];
  const request = { operation, flows: [[TOKEN, DUMMY]] as const, ip: '127.0.0.1', auth };
  try {
    return { proofs: await instance?.require(request) };
  } catch (error) {
    if (error instanceof AuthenticationChallenge) return error.body();
    throw error;
  }
}

it('completes the stages of a flow one by one, over instances', async () => {
  const session = textOf((await attempt({}))['session']);
  const wrong = await attempt({ type: TOKEN, token: 'bad', session });
  expect(wrong).toMatchObject({ session, errcode: 'M_FORBIDDEN' });
  expect(wrong).not.toHaveProperty('completed');
  const half = await attempt({ type: TOKEN, token: 'good', session });
  expect(half).toEqual({ session, completed: [TOKEN], params: {}, flows: [{ stages: [TOKEN, DUMMY] }] });
  expect(await attempt({ type: TOKEN, token: 'bad', session })).toEqual(half);
  expect(await attempt({ session })).toEqual(half);
  const elsewhere = await attempt({ type: DUMMY, session }, 'another operation');
  expect(elsewhere).toMatchObject({ errcode: 'M_FORBIDDEN', session: expect.not.stringContaining(session) });
  expect(await attempt({ type: DUMMY, session })).toEqual({ proofs: { [TOKEN]: 'good', [DUMMY]: true } });
  expect(await attempt({ type: DUMMY, session })).toHaveProperty('errcode', 'M_FORBIDDEN');
});

it('forgets sessions in time', async () => {
  const session = textOf((await attempt({}))['session']);
  await api.database.db.updateTable('uia_sessions').set({ expires_ts: 1 }).execute();
  expect(await attempt({ type: TOKEN, token: 'good', session })).toHaveProperty('errcode', 'M_FORBIDDEN');
  const left = await api.database.db.selectFrom('uia_sessions').select('session_id').execute();
  expect(left.map((row) => row.session_id)).not.toContain(session);
});
