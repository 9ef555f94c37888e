import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, loadConfig } from '@atoll/config';
import { migrateToLatest, openDatabase } from '@atoll/database';
import { testDatabase } from '@atoll/embedded';
import type { SigningKey } from '@atoll/event-crypto';
import { createMatrixApp, FederationSignature, Requester } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { createLogger } from '@atoll/telemetry';
import { Body, Controller, type DynamicModule, Get, Module, Put, type Type } from '@nestjs/common';
import { Agent, request } from 'undici';
import type { FederationRequester } from './authentication/federation.authenticator.js';
import { FederationReceiverModule } from './federation-receiver.module.js';
import { openPlatform } from './platform.js';
import { tlsCertificate } from './tls-certificate.js';

export const OWN_NAME = 'hs1';

/** Says who asks: a route behind the guard. */
@FederationSignature()
@Controller('_matrix/federation/v1/echo/:word')
export class EchoController {
  @Get()
  get(@Requester() { origin }: FederationRequester) {
    return { origin };
  }

  @Put()
  put(@Requester() { origin }: FederationRequester, @Body() body: JsonObject) {
    return { origin, body };
  }
}

/** A migrated database and the configuration of a server on it. */
export async function testInstallation(settings: Record<string, string> = {}) {
  const [pg, dataDir] = await Promise.all([testDatabase(), mkdtemp(join(tmpdir(), 'atoll-receiver-'))]);
  const database = openDatabase({ url: pg.url, poolSize: 2, applicationName: 'receiver-spec' });
  await migrateToLatest(database.db);
  const config = loadConfig({
    ATOLL_SERVER_NAME: OWN_NAME,
    ATOLL_DATABASE_URL: pg.url,
    ATOLL_REDIS_URL: 'redis://unused',
    ATOLL_DATA_DIR: dataDir,
    ATOLL_FEDERATION_PORT: '0',
    ATOLL_DRAIN_SECONDS: '0',
    ATOLL_LOG_LEVEL: 'silent',
    ...settings,
  });
  const remove = async () => {
    await database.close();
    await pg.drop();
    await rm(dataDir, { recursive: true });
  };
  return { config, database, remove };
}

/** The receiver with more routes, on a port of its own. */
export async function startWith(config: Config, controllers: Type[]) {
  const platform = await openPlatform(config);
  const root: DynamicModule = {
    module: WithRoutes,
    imports: [FederationReceiverModule.on(platform)],
    controllers,
  };
  const tls = await tlsCertificate(config, platform.logger);
  const app = await createMatrixApp(root, {
    listener: 'federation',
    logger: platform.logger,
    tls,
    cors: false,
  });
  await app.listen(0, config.host);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const close = async () => {
    await app.close();
    await platform.close();
  };
  return { url: `https://127.0.0.1:${port}`, close };
}

@Module({})
class WithRoutes {}

/** Speaks HTTPS to the receiver and trusts its certificate only. */
export async function testClient(config: Config) {
  const { cert } = await tlsCertificate(config, createLogger('spec', 'silent'));
  const dispatcher = new Agent({ connect: { ca: cert } });
  return {
    async send(url: string, method: 'GET' | 'POST' | 'PUT', headers: string[] = [], body?: object) {
      const answer = await request(url, {
        dispatcher,
        method,
        headers: [...headers, ...(body ? ['content-type', 'application/json'] : [])],
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: answer.statusCode, headers: answer.headers, body: await answer.body.json() };
    },
    close: () => dispatcher.close(),
  };
}

/** A row of `server_keys` for the key of another server. */
export function knownKey(serverName: string, key: SigningKey) {
  return {
    server_name: serverName,
    key_id: key.keyId,
    public_key: key.publicKey,
    valid_until_ts: Date.now() + 3_600_000,
    expired_ts: null as number | null,
    fetched_ts: Date.now(),
  };
}
