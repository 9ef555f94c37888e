import type { AddressInfo } from 'node:net';
import { testRedis } from '@atoll/embedded';
import { generateSigningKey, signJson, type SigningKey } from '@atoll/event-crypto';
import { createMatrixApp } from '@atoll/http';
import type { JsonObject, UserId } from '@atoll/matrix';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Agent, request } from 'undici';
import { FederationReceiverModule } from './federation-receiver.module.js';
import { openPlatform } from './platform.js';
import { knownKey, OWN_NAME, testInstallation } from './test-receiver.spec-support.js';
import { tlsCertificate } from './tls-certificate.js';

/** Users of this server and of two others, whose requests are signed. */
export const alice = `@alice:${OWN_NAME}` as UserId;
export const bob = '@bob:hs2' as UserId;
export const SERVERS = ['hs2', 'hs3'] as const;
export type OtherServer = (typeof SERVERS)[number];

/** The receiver, and other servers that ask it. */
export async function startAsked() {
  const redis = await testRedis();
  const installation = await testInstallation({ ATOLL_REDIS_URL: redis.url });
  const { config, database } = installation;
  const keys = Object.fromEntries(SERVERS.map((name) => [name, generateSigningKey()])) as Record<
    OtherServer,
    SigningKey
  >;
  const rows = SERVERS.map((name) => knownKey(name, keys[name]));
  await database.db.insertInto('server_keys').values(rows).execute();

  const platform = await openPlatform(config);
  const tls = await tlsCertificate(config, platform.logger);
  const app: NestFastifyApplication = await createMatrixApp(FederationReceiverModule.on(platform), {
    ...{ listener: 'federation', logger: platform.logger, cors: false },
    tls,
  });
  await app.listen(0, config.host);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const dispatcher = new Agent({ connect: { ca: tls.cert } });

  async function send(method: 'GET' | 'POST' | 'PUT', uri: string, headers: string[], content?: JsonObject) {
    const answer = await request(`https://127.0.0.1:${port}${uri}`, {
      ...{
        dispatcher,
        method,
        headers: [...headers, ...(content ? ['content-type', 'application/json'] : [])],
      },
      ...(content && { body: JSON.stringify(content) }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, body: JSON.parse(text) as unknown };
  }

  /** A request that the server has signed. */
  async function ask(origin: OtherServer, method: 'GET' | 'POST' | 'PUT', uri: string, content?: JsonObject) {
    const key = keys[origin];
    const signed = { method, uri, origin, destination: OWN_NAME, ...(content && { content }) };
    const { signatures } = await signJson(signed, origin, key);
    const signature = signatures[origin]?.[key.keyId] ?? '';
    const header = `X-Matrix origin="${origin}",destination="${OWN_NAME}",key="${key.keyId}",sig="${signature}"`;
    return send(method, uri, ['authorization', header], content);
  }

  const close = async () => {
    await dispatcher.close();
    await app.close();
    await platform.close();
    await installation.remove();
    await redis.stop();
  };
  const askUnsigned = (uri: string, method: 'GET' | 'PUT' = 'GET', content?: JsonObject) =>
    send(method, uri, [], content);
  return { app, database, ask, askUnsigned, close };
}

export type Asked = Awaited<ReturnType<typeof startAsked>>;

/** A path of the federation API with its parameters encoded. */
export function federationPath(
  parts: readonly string[],
  query: Record<string, string | number> = {},
): string {
  const path = parts.map(encodeURIComponent).join('/');
  const search = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]));
  return `/_matrix/federation/v1/${path}${search.size > 0 ? `?${search.toString()}` : ''}`;
}
