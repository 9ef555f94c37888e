import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSigningKey, signJson, verifySignedJson } from '@atoll/event-crypto';
import type { JsonObject, ServerName } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningFederationReceiver, startFederationReceiver } from './federation-receiver.module.js';
import { OWN_NAME, testClient, testInstallation } from './test-receiver.spec-support.js';

interface ServerKeys extends JsonObject {
  server_name: string;
  valid_until_ts: number;
  verify_keys: Record<string, { key: string }>;
  signatures: Record<string, Record<string, string>>;
}

describe('federation-receiver', () => {
  const HS2 = 'hs2' as ServerName;
  const hs2Key = generateSigningKey();
  let installation: Awaited<ReturnType<typeof testInstallation>>;
  let service: RunningFederationReceiver;
  let client: Awaited<ReturnType<typeof testClient>>;
  const url = (path: string) => `https://127.0.0.1:${service.port}${path}`;
  const get = (path: string) => client.send(url(path), 'GET');
  const query = (body: object) => client.send(url('/_matrix/key/v2/query'), 'POST', [], body);

  beforeAll(async () => {
    installation = await testInstallation();
    service = await startFederationReceiver(installation.config);
    client = await testClient(installation.config);
  });
  afterAll(async () => {
    await client.close();
    await service.close();
    await installation.remove();
  });

  it('says which ephemeral messages it takes', async () => {
    const { status, body } = await get('/_matrix/federation/unstable/io.fsky.vel/edutypes');
    expect([status, body]).toEqual([200, { 'm.presence': true, 'm.receipt': true, 'm.typing': true }]);
  });

  /** Checks the signature of exactly our name and gives the one key. */
  async function ownKeyOf(keys: ServerKeys, signers: string[]): Promise<void> {
    const own = (await get('/_matrix/key/v2/server')).body as ServerKeys;
    const [keyId = '', { key = '' } = {}] = Object.entries(own.verify_keys)[0] ?? [];
    expect(Object.keys(keys.signatures).sort()).toEqual(signers);
    expect(await verifySignedJson(keys, OWN_NAME, keyId, key)).toBe(true);
  }

  it('is reachable and healthy over HTTPS, with a certificate of its own', async () => {
    await expect(service.check()).resolves.toBeUndefined();
    expect(await readFile(join(installation.config.dataDir, 'federation-tls.pem'), 'utf8')).toMatch(
      /BEGIN PRIVATE KEY[^]*BEGIN CERTIFICATE/,
    );
    const { status, body } = await get('/_matrix/federation/v1/version');
    expect(status).toBe(200);
    expect(body).toEqual({ server: { name: 'Atoll', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) } });
  });

  it('publishes the key of the key file, signed by our name alone, for a day', async () => {
    const { status, headers, body } = await get('/_matrix/key/v2/server');
    const keys = body as ServerKeys;
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json');
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(keys).toMatchObject({ server_name: OWN_NAME, old_verify_keys: {} });
    expect(keys.valid_until_ts).toBeGreaterThan(Date.now() + 3_600_000);
    expect(Object.values(keys.verify_keys)[0]?.key).toMatch(/^[A-Za-z0-9+/]{43}$/);
    await ownKeyOf(keys, [OWN_NAME]);
  });

  it('answers as a notary: its own keys, the last answer of others countersigned, unknown servers not', async () => {
    const answer = await signJson(
      {
        server_name: HS2,
        valid_until_ts: Date.now() - 1000,
        verify_keys: { [hs2Key.keyId]: { key: hs2Key.publicKey } },
        old_verify_keys: {},
      },
      HS2,
      hs2Key,
    );
    await installation.database.db
      .insertInto('server_key_answers')
      .values({ server_name: HS2, json: JSON.stringify(answer), fetched_ts: Date.now() })
      .execute();

    const own = (await get(`/_matrix/key/v2/query/${OWN_NAME}`)).body as { server_keys: ServerKeys[] };
    expect(own.server_keys).toHaveLength(1);
    await ownKeyOf(own.server_keys[0] as ServerKeys, [OWN_NAME]);

    const path = `/_matrix/key/v2/query/hs2?minimum_valid_until_ts=${Date.now()}`;
    const { server_keys } = (await get(path)).body as { server_keys: ServerKeys[] };
    expect(server_keys).toHaveLength(1);
    const [countersigned] = server_keys as [ServerKeys];
    expect(await verifySignedJson(countersigned, HS2, hs2Key.keyId, hs2Key.publicKey)).toBe(true);
    await ownKeyOf(countersigned, [OWN_NAME, HS2]);

    expect((await get('/_matrix/key/v2/query/unknown.example')).body).toEqual({ server_keys: [] });
  });

  it('answers about many servers at once', async () => {
    const all = await query({
      server_keys: {
        [OWN_NAME]: {},
        hs2: { [hs2Key.keyId]: { minimum_valid_until_ts: 1 } },
        'unknown.example': {},
        'not a name': {},
      },
    });
    const { server_keys } = all.body as { server_keys: ServerKeys[] };
    expect(server_keys.map((keys) => keys.server_name)).toEqual([OWN_NAME, 'hs2']);
    expect((await query({ server_keys: {} })).body).toEqual({ server_keys: [] });
  });

  it.each([
    ['no servers', {}, 400, 'M_BAD_JSON'],
    ['a list', { server_keys: [] }, 400, 'M_BAD_JSON'],
    ['a wrong time', { server_keys: { hs2: { k: { minimum_valid_until_ts: 'x' } } } }, 400, 'M_BAD_JSON'],
    [
      'too many servers',
      { server_keys: Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`hs${i}`, {}])) },
      413,
      'M_TOO_LARGE',
    ],
  ])('refuses a query with %s', async (_, body, status, errcode) => {
    expect(await query(body)).toMatchObject({ status, body: { errcode } });
  });

  it.each([
    ['GET', '/_matrix/key/v2/query/not%20a%20name', 400, 'M_INVALID_PARAM'],
    ['PUT', '/_matrix/key/v2/query', 405, 'M_UNRECOGNIZED'],
    ['POST', '/_matrix/key/v2/server', 405, 'M_UNRECOGNIZED'],
    ['POST', '/_matrix/federation/v1/version', 405, 'M_UNRECOGNIZED'],
    ['GET', '/_matrix/key/v2/unknown', 404, 'M_UNRECOGNIZED'],
    ['POST', '/_matrix/federation/v1/send/1', 405, 'M_UNRECOGNIZED'],
    ['GET', '/_matrix/client/versions', 404, 'M_UNRECOGNIZED'],
  ] as const)('%s %s is %i %s', async (method, path, status, errcode) => {
    const body = method === 'GET' ? undefined : {};
    expect(await client.send(url(path), method, [], body)).toMatchObject({ status, body: { errcode } });
  });
});
