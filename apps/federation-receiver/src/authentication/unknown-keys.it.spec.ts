import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, signJson, type SigningKey } from '@atoll/event-crypto';
import type { JsonObject, ServerName } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { generate } from 'selfsigned';
import {
  EchoController,
  OWN_NAME,
  startWith,
  testClient,
  testInstallation,
} from '../test-receiver.spec-support.js';

const PATH = '/_matrix/federation/v1/echo/word';
const HOUR = 3_600_000;

/** A server with one key, on a port and so with a name of its own for each test. */
interface Peer {
  readonly name: string;
  readonly key: SigningKey;
  answer: (name: string, key: SigningKey) => Promise<JsonObject | string>;
  asked: number;
}

const good = (name: string, key: SigningKey, more: JsonObject = {}, signer = key) =>
  signJson<JsonObject>(
    {
      ...{ server_name: name, valid_until_ts: Date.now() + HOUR, old_verify_keys: {} },
      verify_keys: { [key.keyId]: { key: key.publicKey } },
      ...more,
    },
    name,
    signer,
  );

describe('keys of servers that are not known yet', () => {
  let installation: Awaited<ReturnType<typeof testInstallation>>;
  let receiver: Awaited<ReturnType<typeof startWith>>;
  let client: Awaited<ReturnType<typeof testClient>>;
  let folder: string;
  let tls: { key: string; cert: string };
  let server: Server | undefined;
  let peer: Peer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-keys-'));
    const altNames = [{ type: 7 as const, ip: '127.0.0.1' }];
    const made = await generate([{ name: 'commonName', value: 'peer' }], {
      keyType: 'ec',
      extensions: [
        { name: 'basicConstraints', cA: true },
        { name: 'subjectAltName', altNames },
      ],
    });
    tls = { key: made.private, cert: made.cert };
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, made.cert);
    installation = await testInstallation({ ATOLL_IP_DENYLIST: '', ATOLL_EXTRA_CA: caFile });
    receiver = await startWith(installation.config, [EchoController]);
    client = await testClient(installation.config);
  });
  afterAll(async () => {
    server?.close();
    await client.close();
    await receiver.close();
    await installation.remove();
    await rm(folder, { recursive: true });
  });

  beforeEach(async () => {
    server?.close();
    server = createServer(tls, (request, response) => {
      peer.asked += 1;
      if (request.url !== '/_matrix/key/v2/server') response.writeHead(404).end();
      else {
        void peer.answer(peer.name, peer.key).then((answer) => {
          response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
        });
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    peer = { name: `127.0.0.1:${port}`, key: generateSigningKey(), answer: good, asked: 0 };
  });

  const other = generateSigningKey();
  async function ask(key = peer.key, origin = peer.name) {
    const request = { method: 'GET', uri: PATH, origin, destination: OWN_NAME };
    const { signatures } = await signJson(request, origin, key);
    const signature = signatures[origin]?.[key.keyId] ?? '';
    const header = `X-Matrix origin="${origin}",destination="${OWN_NAME}",key="${key.keyId}",sig="${signature}"`;
    return (await client.send(receiver.url + PATH, 'GET', ['authorization', header])).status;
  }

  const keyRows = () =>
    installation.database.db
      .selectFrom('server_keys')
      .selectAll()
      .where('server_name', '=', peer.name)
      .execute();

  it('are fetched from it, once, and kept with what it said', async () => {
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([200, 200, 200]);
    expect(await ask()).toBe(200);
    expect(peer.asked).toBe(1);
    expect(await keyRows()).toMatchObject([{ key_id: peer.key.keyId, public_key: peer.key.publicKey }]);
    const query = await client.send(`${receiver.url}/_matrix/key/v2/query/${peer.name}`, 'GET');
    const [answer] = (query.body as { server_keys: JsonObject[] }).server_keys;
    expect(Object.keys(answer?.['signatures'] as object).sort()).toEqual([peer.name, OWN_NAME].sort());
  });

  it('are not believed from an answer that another key has signed, and not asked for again at once', async () => {
    peer.answer = (name, key) => good(name, key, {}, other);
    expect(await ask()).toBe(401);
    expect(await ask()).toBe(401);
    expect(peer.asked).toBe(1);
  });

  it('are not believed from an answer whose time is over', async () => {
    peer.answer = (name, key) => good(name, key, { valid_until_ts: Date.now() - 1 });
    expect(await ask()).toBe(401);
  });

  it('of a server that is not there are refused', async () => {
    server?.close();
    expect(await ask()).toBe(401);
  });

  it('are not asked of more servers than a bound at once: whoever comes then is told to come again', async () => {
    const sockets: Socket[] = [];
    const all = Promise.withResolvers<undefined>();
    const silent = createTcpServer((socket) => {
      if (sockets.push(socket.on('error', () => undefined)) === 64) all.resolve(undefined);
    }).listen(0);
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const waiting = Array.from({ length: 64 }, (_, index) => ask(other, `127.0.0.${index + 2}:${port}`));
    await all.promise;
    expect(await ask()).toBe(503);
    expect(peer.asked).toBe(0);
    for (const socket of sockets) socket.destroy();
    silent.close();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([401]));
    expect(await ask()).toBe(200);
  });

  it('of a name that is ours are not fetched from ourselves', async () => {
    expect(await ask(other, OWN_NAME)).toBe(401);
  });

  describe('that this server is asked about as a notary', () => {
    const url = () => `${receiver.url}/_matrix/key/v2/query`;
    const named = (answer: unknown) =>
      (answer as { server_keys: JsonObject[] }).server_keys.map(({ server_name, verify_keys }) => ({
        ...{ name: server_name, keyIds: Object.keys(verify_keys as JsonObject) },
      }));
    const get = async (minimum?: number) =>
      named(
        (
          await client.send(
            `${url()}/${peer.name}${minimum ? `?minimum_valid_until_ts=${minimum}` : ''}`,
            'GET',
          )
        ).body,
      );
    const post = async (keys: JsonObject) =>
      named((await client.send(url(), 'POST', [], { server_keys: { [peer.name]: keys } })).body);
    const remember = async (more: JsonObject) => {
      const row = { server_name: peer.name as ServerName, fetched_ts: Date.now() };
      const json = JSON.stringify(await good(peer.name, peer.key, more));
      await installation.database.db
        .insertInto('server_key_answers')
        .values({ ...row, json })
        .execute();
    };
    const known = () => [{ name: peer.name, keyIds: [peer.key.keyId] }];

    it('are asked for when nothing is stored, once', async () => {
      expect(await get()).toEqual(known());
      expect(await post({})).toEqual(known());
      expect(peer.asked).toBe(1);
    });

    it('are taken from what is stored while that reaches far enough', async () => {
      await remember({});
      expect(await get(Date.now() + HOUR / 2)).toEqual(known());
      expect(await post({ [peer.key.keyId]: { minimum_valid_until_ts: 5 } })).toEqual(known());
      expect(peer.asked).toBe(0);
    });

    it.each<[string, JsonObject]>([
      ['does not reach now', { valid_until_ts: 1_000 }],
      ['lacks the key', { verify_keys: { [other.keyId]: { key: other.publicKey } } }],
    ])('are asked for again when what is stored %s', async (_, more) => {
      await remember(more);
      expect(await post({ [peer.key.keyId]: {} })).toEqual(known());
      expect(peer.asked).toBe(1);
    });

    it('are what is stored when their server does not answer', async () => {
      await remember({ valid_until_ts: 1_000 });
      server?.close();
      expect(await get()).toEqual(known());
      expect(await get(Date.now() + HOUR)).toEqual(known());
    });

    it('are not asked for again at once, whatever time is wanted', async () => {
      const never = 8_000_000_000_000_000;
      expect([await get(never), await get(never)]).toEqual([known(), known()]);
      expect(peer.asked).toBe(1);
    });
  });
});
