import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { migrateToLatest, openDatabase } from '@atoll/database';
import { testDatabase } from '@atoll/embedded';
import { generateSigningKey, signJson, type SigningKey } from '@atoll/event-crypto';
import { createFederationClient } from '@atoll/federation-client';
import type { JsonObject, ServerName } from '@atoll/matrix';
import { generate } from 'selfsigned';
import { ServerKeys } from './server-keys.js';

export const OWN_NAME = 'hs1' as ServerName;
export const HOUR = 3_600_000;

type Answer = JsonObject | string;

/** A server with one key that answers as a test wants it, on a port and so with a name of its own. */
export interface TestKeyServer {
  readonly name: ServerName;
  readonly key: SigningKey;
  /** Of requests for its own keys. */
  asked: number;
  /** What it was asked as a notary. */
  readonly queries: Record<string, JsonObject>[];
  own: (server: TestKeyServer) => Answer | Promise<Answer>;
  others: (names: string[]) => Answer | Promise<Answer>;
  close(): void;
}

/** What a server says about its keys, signed. */
export function keyAnswer(name: string, key: SigningKey, more: JsonObject = {}, signer = key) {
  const answer: JsonObject = {
    ...{ server_name: name, valid_until_ts: Date.now() + HOUR, old_verify_keys: {} },
    verify_keys: { [key.keyId]: { key: key.publicKey } },
    ...more,
  };
  return signJson(answer, name, signer);
}

/** A migrated database, servers to ask, and the keys that this server learns from them. */
export async function startKeyTest() {
  const tls = await generate([{ name: 'commonName', value: 'peer' }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7 as const, ip: '127.0.0.1' }] },
    ],
  });
  const pg = await testDatabase();
  const database = openDatabase({ url: pg.url, poolSize: 4, applicationName: 'server-keys-spec' });
  await migrateToLatest(database.db);
  const ownKey = generateSigningKey();
  const settings = { serverName: OWN_NAME, key: ownKey, ipDenylist: [], extraCa: [tls.cert] };
  const { federation, close } = createFederationClient(settings);
  const servers: TestKeyServer[] = [];
  return {
    database,
    ownKey,
    /** A process that has asked nobody yet. */
    serverKeys: (notaries: readonly ServerName[] = []) =>
      new ServerKeys({ serverName: OWN_NAME, ownKey, database, federation, notaries }),
    start: async (): Promise<TestKeyServer> => {
      const server = await startKeyServer({ key: tls.private, cert: tls.cert });
      servers.push(server);
      return server;
    },
    keyRows: (name: string) =>
      database.db.selectFrom('server_keys').selectAll().where('server_name', '=', name).execute(),
    stop: async () => {
      for (const server of servers) server.close();
      await close();
      await database.close();
      await pg.drop();
    },
  };
}

async function startKeyServer(tls: { key: string; cert: string }): Promise<TestKeyServer> {
  const http: Server = createServer(tls, (request, response) => {
    void respond(server, request.url ?? '', request).then((answer) => {
      if (answer === undefined) response.writeHead(404).end('{}');
      else response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server: TestKeyServer = {
    name: `127.0.0.1:${(http.address() as AddressInfo).port}` as ServerName,
    key: generateSigningKey(),
    asked: 0,
    queries: [],
    own: ({ name, key }) => keyAnswer(name, key),
    others: () => ({ server_keys: [] }),
    close: () => {
      http.close();
      http.closeAllConnections();
    },
  };
  return server;
}

async function respond(server: TestKeyServer, url: string, body: AsyncIterable<Buffer>) {
  if (url === '/_matrix/key/v2/server') {
    server.asked += 1;
    return server.own(server);
  }
  if (url !== '/_matrix/key/v2/query') return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const query = JSON.parse(Buffer.concat(chunks).toString()) as { server_keys: Record<string, JsonObject> };
  server.queries.push(query.server_keys);
  return server.others(Object.keys(query.server_keys));
}
