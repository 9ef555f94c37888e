import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@atoll/config';
import { migrateToLatest, openDatabase } from '@atoll/database';
import { testDatabase, testRedis } from '@atoll/embedded';
import type { JsonObject } from '@atoll/matrix';
import { startClientApi } from './client-api.module.js';

export const PASSWORD = 'correct horse';

export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers: Headers;
}

export interface RequestOptions {
  readonly token?: string | undefined;
  /** JSON, or a string sent as it is. */
  readonly body?: JsonObject | string | Buffer;
}

/** A user of the server under test. */
export interface TestUser {
  readonly userId: string;
  readonly deviceId: string;
  readonly token: string;
}

/** The client-server API over HTTP, with real PostgreSQL and Redis, and no room-state behind it. */
export async function startTestClientApi(settings: Record<string, string> = {}) {
  const [pg, redis] = await Promise.all([testDatabase(), testRedis()]);
  const database = openDatabase({ url: pg.url, poolSize: 4, applicationName: 'spec' });
  await migrateToLatest(database.db);
  const dataDir = await mkdtemp(join(tmpdir(), 'atoll-client-api-'));
  const config = loadConfig({
    ATOLL_SERVER_NAME: 'hs1',
    ATOLL_DATA_DIR: dataDir,
    ATOLL_DATABASE_URL: pg.url,
    ATOLL_REDIS_URL: redis.url,
    ATOLL_CLIENT_PORT: '0',
    ATOLL_REGISTRATION: 'open',
    ATOLL_REGISTRATION_SHARED_SECRET: 'secret of the test',
    ATOLL_RATE_LIMITS: 'off',
    ATOLL_PASSWORD_HASH_MEMORY_KIB: '8',
    ATOLL_PASSWORD_HASH_ITERATIONS: '1',
    ATOLL_LOG_LEVEL: 'silent',
    ATOLL_DRAIN_SECONDS: '0',
    ...settings,
  });
  const service = await startClientApi(config);

  /**
   * `path` without the prefix that all but a few have. As clients do, it tries once more when the server says that it is overloaded: on a busy
   * machine a pause within a transaction may outlast PostgreSQL's patience.
   */
  async function request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const answer = await tryRequest(method, path, options);
    return answer.status === 503 ? tryRequest(method, path, options) : answer;
  }

  async function tryRequest(method: string, path: string, { token, body }: RequestOptions): Promise<Answer> {
    const url = `http://127.0.0.1:${service.port}${path.startsWith('/_') || path.startsWith('/.') ? path : `/_matrix/client/v3${path}`}`;
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const response = await fetch(url, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: isRaw ? new Uint8Array(Buffer.from(body)) : JSON.stringify(body) }),
    });
    return {
      status: response.status,
      body: (await response.json()) as JsonObject,
      headers: response.headers,
    };
  }

  async function register(username: string, extra: JsonObject = {}): Promise<TestUser> {
    const auth = { type: 'm.login.dummy' };
    const { body } = await request('POST', '/register', {
      body: { username, password: PASSWORD, auth, ...extra },
    });
    return sessionOf(body);
  }

  async function logIn(user: string, extra: JsonObject = {}): Promise<TestUser> {
    const identifier = { type: 'm.id.user', user };
    const { body } = await request('POST', '/login', {
      body: { type: 'm.login.password', identifier, password: PASSWORD, ...extra },
    });
    return sessionOf(body);
  }

  /** The status that a token has: 200 while it is good. */
  const statusOf = async (token: string) => (await request('GET', '/account/whoami', { token })).status;

  return {
    config,
    database,
    redisUrl: redis.url,
    baseUrl: `http://127.0.0.1:${service.port}`,
    request,
    register,
    logIn,
    statusOf,
    async close() {
      await service.close();
      await database.close();
      await pg.drop();
      await redis.stop();
      await rm(dataDir, { recursive: true });
    },
  };
}

export type TestClientApi = Awaited<ReturnType<typeof startTestClientApi>>;

/** A field of an answer that must be a string. */
export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`no string: ${JSON.stringify(value)}`);
  return value;
}

function sessionOf(body: JsonObject): TestUser {
  const { user_id, device_id, access_token } = body;
  if (typeof user_id !== 'string' || typeof device_id !== 'string' || typeof access_token !== 'string') {
    throw new Error(`no session: ${JSON.stringify(body)}`);
  }
  return { userId: user_id, deviceId: device_id, token: access_token };
}

/** An `auth` dictionary that proves a password. */
export function passwordAuth(user: string, session: unknown, password = PASSWORD): JsonObject {
  return {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user },
    password,
    ...(typeof session === 'string' && { session }),
  };
}
