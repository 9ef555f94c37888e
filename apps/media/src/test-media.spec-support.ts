import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@atoll/config';
import {
  AccountTransactor,
  commitInLanes,
  DeviceTransactor,
  hashToken,
  migrateToLatest,
  openDatabase,
  TokenTransactor,
} from '@atoll/database';
import { testDatabase } from '@atoll/embedded';
import type { DeviceId, UserId } from '@atoll/matrix';
import { type Dispatcher, request } from 'undici';
import { startMedia } from './media.module.js';

export const MAX_UPLOAD_BYTES = 200_000;
/** The access token of a user who exists. */
export const TOKEN = 'token-of-alice';
export const ENDED_TOKEN = 'ended-token-of-alice';

/** The service on a database with one user, and a way to call it. */
export async function startTestMedia() {
  const [pg, dataDir] = await Promise.all([testDatabase(), mkdtemp(join(tmpdir(), 'atoll-media-'))]);
  const database = openDatabase({ url: pg.url, poolSize: 2, applicationName: 'media-spec' });
  await migrateToLatest(database.db);
  await commitInLanes(database.db, async (trx, closing) => {
    const [userId, deviceId] = ['@alice:hs1' as UserId, 'PHONE' as DeviceId];
    await new AccountTransactor(trx).create({ userId, passwordHash: null, isAdmin: false });
    await new DeviceTransactor(trx, closing).logIn({ userId, deviceId, initialDisplayName: null, ip: null });
    const tokens = new TokenTransactor(trx);
    await tokens.issue(userId, deviceId, tokenRow(TOKEN, null));
    await tokens.issue(userId, deviceId, tokenRow(ENDED_TOKEN, Date.now() - 1));
  });
  const config = loadConfig({
    ATOLL_SERVER_NAME: 'hs1',
    ATOLL_DATABASE_URL: pg.url,
    ATOLL_REDIS_URL: 'redis://unused',
    ATOLL_DATA_DIR: dataDir,
    ATOLL_CLIENT_PORT: '0',
    ATOLL_DRAIN_SECONDS: '0',
    ATOLL_LOG_LEVEL: 'silent',
    ATOLL_MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES),
  });
  const service = await startMedia(config);
  const call = (
    method: Dispatcher.HttpMethod,
    path: string,
    { token = TOKEN, ...options }: CallOptions = {},
  ) =>
    request(`http://127.0.0.1:${service.port}${path}`, {
      method,
      ...(options.body !== undefined && { body: options.body }),
      headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...options.headers },
    });
  const stop = async () => {
    await service.close();
    await database.close();
    await pg.drop();
    await rm(dataDir, { recursive: true });
  };
  return { config, service, database, dataDir, call, stop };
}

interface CallOptions {
  /** Null for none. */
  token?: string | null;
  headers?: Record<string, string>;
  body?: NonNullable<Dispatcher.DispatchOptions['body']>;
}

function tokenRow(token: string, expiresTs: number | null) {
  return { accessHash: hashToken(token), expiresTs, refreshHash: null };
}
