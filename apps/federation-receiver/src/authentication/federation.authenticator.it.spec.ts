import type { Database } from '@atoll/database';
import { generateSigningKey, signJson, type SigningKey } from '@atoll/event-crypto';
import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  EchoController,
  knownKey,
  OWN_NAME,
  startWith,
  testClient,
  testInstallation,
} from '../test-receiver.spec-support.js';

const PATH = '/_matrix/federation/v1/echo/a%2Fb?ver=1&ver=2';

interface Signing {
  origin?: string;
  destination?: string;
  method?: string;
  uri?: string;
  content?: JsonObject;
  key?: SigningKey;
}

describe('the X-Matrix guard', () => {
  const hs2Key = generateSigningKey();
  const newHs2Key = generateSigningKey();
  const retiredKey = generateSigningKey();
  const endedKey = generateSigningKey();
  const staleKey = generateSigningKey();
  const hs3Key = generateSigningKey();
  let installation: Awaited<ReturnType<typeof testInstallation>>;
  let receiver: Awaited<ReturnType<typeof startWith>>;
  let client: Awaited<ReturnType<typeof testClient>>;

  beforeAll(async () => {
    installation = await testInstallation();
    receiver = await startWith(installation.config, [EchoController]);
    client = await testClient(installation.config);
    await addKeys(installation.database);
  });
  afterAll(async () => {
    await client.close();
    await receiver.close();
    await installation.remove();
  });

  async function addKeys({ db }: Database) {
    const hour = 3_600_000;
    const day = 24 * hour;
    const rows = [
      knownKey('hs2', hs2Key),
      knownKey('hs2', newHs2Key),
      { ...knownKey('hs2', retiredKey), expired_ts: Date.now() - hour },
      { ...knownKey('hs2', endedKey), valid_until_ts: Date.now() - 1 },
      {
        ...knownKey('hs2', staleKey),
        valid_until_ts: Date.now() + 90 * day,
        fetched_ts: Date.now() - 8 * day,
      },
      knownKey('hs3', hs3Key),
    ];
    await db.insertInto('server_keys').values(rows).execute();
  }

  async function header(signing: Signing = {}): Promise<string> {
    const {
      origin = 'hs2',
      destination = OWN_NAME,
      method = 'GET',
      uri = PATH,
      content,
      key = hs2Key,
    } = signing;
    const object = { method, uri, origin, destination, ...(content && { content }) };
    const { signatures } = await signJson(object, origin, key);
    const signature = signatures[origin]?.[key.keyId] ?? '';
    return `X-Matrix origin="${origin}",destination="${destination}",key="${key.keyId}",sig="${signature}"`;
  }
  const get = (...headers: string[]) =>
    client.send(
      receiver.url + PATH,
      'GET',
      headers.flatMap((value) => ['authorization', value]),
    );
  const put = (authorization: string, body: object, path = PATH) =>
    client.send(receiver.url + path, 'PUT', ['authorization', authorization], body);
  const refused = { status: 401, body: { errcode: 'M_UNAUTHORIZED' } };

  it('lets in what another server has signed', async () => {
    expect(await get(await header())).toMatchObject({ status: 200, body: { origin: 'hs2' } });
    const content = { b: [1, { z: 'ü', a: null }], a: true, '10': 1, '9': 2 };
    expect(await put(await header({ method: 'PUT', content }), content)).toMatchObject({
      status: 200,
      body: { origin: 'hs2', body: content },
    });
  });

  it('lets in a server that does not name the destination, though it signs it', async () => {
    const signed = await header();
    expect(await get(signed.replace(`destination="${OWN_NAME}",`, ''))).toMatchObject({ status: 200 });
  });

  it('lets in by any of several signatures', async () => {
    const wrong = (await header({ key: newHs2Key })).replace(newHs2Key.keyId, hs2Key.keyId);
    expect(await get(wrong, await header())).toMatchObject({ status: 200, body: { origin: 'hs2' } });
    expect(await get('Bearer other', await header())).toMatchObject({ status: 200 });
    expect(await get(...Array<string>(5).fill(await header()))).toMatchObject(refused);
  });

  it('refuses requests that carry no signature', async () => {
    expect(await get()).toMatchObject(refused);
    expect(await get('Bearer token')).toMatchObject(refused);
    expect(await get('X-Matrix nonsense')).toMatchObject(refused);
    expect(await put('X-Matrix origin=hs2', {})).toMatchObject(refused);
  });

  it('refuses what is meant for another server', async () => {
    expect(await get(await header({ destination: 'hs9' }))).toMatchObject(refused);
    const signed = await header({ destination: 'hs9' });
    expect(await get(signed.replace('destination="hs9",', ''))).toMatchObject(refused);
  });

  it('refuses a forged origin', async () => {
    expect(await get(await header({ origin: 'hs3', key: hs2Key }))).toMatchObject(refused);
    expect(await get((await header()).replace('origin="hs2"', 'origin="hs3"'))).toMatchObject(refused);
    expect(await get(await header({ origin: OWN_NAME }))).toMatchObject(refused);
    expect(await get(await header({ origin: 'not a name' }))).toMatchObject(refused);
  });

  it('refuses another body, path, query or method than was signed', async () => {
    const content = { pdus: [] };
    const signed = await header({ method: 'PUT', content });
    expect(await put(signed, content)).toMatchObject({ status: 200 });
    expect(await put(signed, { pdus: [1] })).toMatchObject(refused);
    expect(await put(await header({ method: 'PUT' }), content)).toMatchObject(refused);
    expect(await put(signed, content, PATH.replace('a%2Fb', 'c'))).toMatchObject(refused);
    expect(await put(signed, content, PATH.replace('ver=2', 'ver=3'))).toMatchObject(refused);
    expect(await put(signed, content, PATH.replace('a%2Fb', 'a%2fb'))).toMatchObject(refused);
    expect(await get(signed)).toMatchObject(refused);
  });

  it.each([
    ['retired', retiredKey],
    ['ended', endedKey],
    ['fetched too long ago', staleKey],
    ['unknown', generateSigningKey()],
    ['of another server', hs3Key],
  ])('refuses a key that is %s', async (_, key) => {
    expect(await get(await header({ key }))).toMatchObject(refused);
  });
});
