import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { encodeUnpaddedBase64, generateSigningKey, signJson } from '@atoll/event-crypto';
import type { JsonObject, ServerName } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  HOUR,
  keyAnswer,
  OWN_NAME,
  startKeyTest,
  type TestKeyServer,
} from './test-key-servers.spec-support.js';

describe('keys of other servers', () => {
  let test: Awaited<ReturnType<typeof startKeyTest>>;
  let peer: TestKeyServer;
  const other = generateSigningKey();

  beforeAll(async () => {
    test = await startKeyTest();
  });
  afterAll(() => test.stop());
  beforeEach(async () => {
    peer = await test.start();
  });

  const wanted = (keyId = peer.key.keyId, validAt = Date.now(), serverName = peer.name) => ({
    ...{ serverName, keyId, validAt },
  });
  async function addRow(more: { valid_until_ts?: number; expired_ts?: number | null; fetched_ts?: number }) {
    const row = {
      ...{ server_name: peer.name, key_id: peer.key.keyId, public_key: peer.key.publicKey },
      ...{ valid_until_ts: Date.now() + HOUR, expired_ts: null, fetched_ts: Date.now() },
      ...more,
    };
    await test.database.db.insertInto('server_keys').values(row).execute();
  }

  it('are asked for once, by however many searches for however many keys', async () => {
    const keys = test.serverKeys();
    const both = [wanted(), wanted('ed25519:unknown')];
    const [lookup] = await Promise.all([keys.find(both), keys.find(both), keys.find([wanted()])]);
    expect(lookup(peer.name, peer.key.keyId)).toMatchObject({ publicKey: peer.key.publicKey });
    expect(lookup(peer.name, 'ed25519:unknown')).toBeUndefined();
    await keys.find(both);
    expect(peer.asked).toBe(1);
    expect(await test.keyRows(peer.name)).toHaveLength(1);
  });

  it('come from many servers at once, also when some of them are not there', async () => {
    const peers = await Promise.all(Array.from({ length: 20 }, () => test.start()));
    peers[3]?.close();
    const lookup = await test
      .serverKeys()
      .find(peers.map(({ name, key }) => wanted(key.keyId, Date.now(), name)));
    const found = peers.map(({ name, key }) => lookup(name, key.keyId)?.publicKey === key.publicKey);
    expect(found).toEqual(peers.map((_, index) => index !== 3));
  });

  it('are taken as they are stored while that is valid long enough', async () => {
    await addRow({});
    const lookup = await test.serverKeys().find([wanted(undefined, Date.now() + HOUR / 2)]);
    expect(lookup(peer.name, peer.key.keyId)).toBeDefined();
    expect(peer.asked).toBe(0);
  });

  it.each([
    ['their validity does not reach the event', { valid_until_ts: Date.now() - 1 }],
    ['they were fetched too long ago', { fetched_ts: Date.now() - 8 * 24 * HOUR }],
  ])('are asked for again when %s', async (_, row) => {
    await addRow(row);
    const lookup = await test.serverKeys().find([wanted()]);
    expect(lookup(peer.name, peer.key.keyId)?.validUntilTs).toBeGreaterThan(Date.now());
    expect(peer.asked).toBe(1);
  });

  it('that were retired stay so, and count until then', async () => {
    const expired_ts = Date.now() - HOUR;
    await addRow({ expired_ts });
    const keys = test.serverKeys();
    const lookup = await keys.find([wanted()]);
    expect(lookup(peer.name, peer.key.keyId)).toMatchObject({ expiredTs: expired_ts });
    expect(await keys.currentKey(peer.name, peer.key.keyId)).toBeUndefined();
    expect(peer.asked).toBe(0);
  });

  it('are learnt with those that their server has retired', async () => {
    const oldKeys = { [other.keyId]: { key: other.publicKey, expired_ts: 1_000 } };
    peer.own = ({ name, key }) => keyAnswer(name, key, { old_verify_keys: oldKeys });
    const keys = test.serverKeys();
    const lookup = await keys.find([wanted(other.keyId, 500)]);
    expect(lookup(peer.name, other.keyId)).toMatchObject({ publicKey: other.publicKey, expiredTs: 1_000 });
    expect(await keys.currentKey(peer.name, other.keyId)).toBeUndefined();
    expect(await keys.currentKey(peer.name, peer.key.keyId)).toBe(peer.key.publicKey);
    expect(peer.asked).toBe(1);
  });

  it.each<[string, TestKeyServer['own']]>([
    ['of another server', ({ key }) => keyAnswer('elsewhere', key)],
    ['signed by another key', ({ name, key }) => keyAnswer(name, key, {}, other)],
    [
      'with one wrong signature among good ones',
      async ({ name, key }) => {
        const answer = await keyAnswer(name, key, {
          verify_keys: { [key.keyId]: { key: key.publicKey }, [other.keyId]: { key: other.publicKey } },
        });
        const wrong = encodeUnpaddedBase64(Buffer.alloc(64, 1));
        return { ...answer, signatures: { [name]: { ...answer.signatures[name], [other.keyId]: wrong } } };
      },
    ],
    [
      'changed after it was signed',
      async ({ name, key }) => ({ ...(await keyAnswer(name, key)), valid_until_ts: Date.now() + 10 * HOUR }),
    ],
    ['without a time', ({ name, key }) => keyAnswer(name, key, { valid_until_ts: null })],
    [
      'with keys of another algorithm only',
      ({ name, key }) => keyAnswer(name, key, { verify_keys: { 'rsa:1': { key: key.publicKey } } }),
    ],
    ['that is no JSON', () => '{'],
    ['without an end', () => ' '.repeat(300_000)],
  ])('are not believed from an answer %s, and not asked for again at once', async (_what, answer) => {
    peer.own = answer;
    const keys = test.serverKeys();
    const names = [wanted(), wanted(other.keyId)];
    const lookup = await keys.find(names);
    await keys.find(names);
    expect([lookup(peer.name, peer.key.keyId), lookup(peer.name, other.keyId)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(peer.asked).toBe(1);
  });

  it('are not asked of ourselves, nor of what is no server, nor for what is no Ed25519 key', async () => {
    const keys = test.serverKeys();
    const lookup = await keys.find([
      wanted('ed25519:x', Date.now(), OWN_NAME),
      wanted(undefined, Date.now(), 'not a name' as ServerName),
      wanted('rsa:1'),
    ]);
    expect(lookup(OWN_NAME, 'ed25519:x')).toBeUndefined();
    expect(lookup(OWN_NAME, test.ownKey.keyId)).toEqual({ publicKey: test.ownKey.publicKey });
    expect(peer.asked).toBe(0);
  });

  it('are still learnt while a server names many that are silent', async () => {
    const sockets: Socket[] = [];
    const eight = Promise.withResolvers<undefined>();
    const silent = createTcpServer((socket) => {
      if (sockets.push(socket.on('error', () => undefined)) === 8) eight.resolve(undefined);
    }).listen(0);
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const keys = test.serverKeys();
    const names = Array.from({ length: 70 }, (_, index) => `127.0.1.${index}:${port}` as ServerName);
    const waiting = keys.find(
      names.map((name) => wanted(other.keyId, Date.now(), name)),
      'evil.example' as ServerName,
    );
    await eight.promise;
    expect(await keys.currentKey(peer.name, peer.key.keyId)).toBe(peer.key.publicKey);
    expect(sockets).toHaveLength(8);
    silent.close();
    for (const socket of sockets) socket.destroy();
    expect((await waiting)(names[0] as ServerName, other.keyId)).toBeUndefined();
  });

  describe('from a notary', () => {
    let notary: TestKeyServer;
    beforeEach(async () => {
      notary = await test.start();
      peer.close();
    });

    const countersigned = (answer: JsonObject, key = notary.key) => signJson(answer, notary.name, key);

    it('are those of servers that do not answer, asked for in one request', async () => {
      const absent = await test.start();
      absent.close();
      notary.others = async () => ({
        server_keys: await Promise.all(
          [peer, absent].map(async ({ name, key }) => countersigned(await keyAnswer(name, key))),
        ),
      });
      const keys = test.serverKeys([notary.name]);
      const lookup = await keys.find([wanted(), wanted(absent.key.keyId, 5, absent.name)]);
      expect(lookup(peer.name, peer.key.keyId)?.publicKey).toBe(peer.key.publicKey);
      expect(lookup(absent.name, absent.key.keyId)?.publicKey).toBe(absent.key.publicKey);
      expect(notary.queries).toEqual([
        {
          [peer.name]: { [peer.key.keyId]: { minimum_valid_until_ts: expect.any(Number) } },
          [absent.name]: { [absent.key.keyId]: { minimum_valid_until_ts: 5 } },
        },
      ]);
    });

    it('also prove who makes a request', async () => {
      notary.others = async () => ({
        server_keys: [await countersigned(await keyAnswer(peer.name, peer.key))],
      });
      const keys = test.serverKeys([notary.name]);
      expect(await keys.currentKey(peer.name, peer.key.keyId)).toBe(peer.key.publicKey);
    });

    it('do not count, and are not asked for, when the notary itself does not say what it signs with', async () => {
      notary.own = () => '{}';
      notary.others = async () => ({
        server_keys: [await countersigned(await keyAnswer(peer.name, peer.key))],
      });
      const lookup = await test.serverKeys([notary.name]).find([wanted()]);
      expect(lookup(peer.name, peer.key.keyId)).toBeUndefined();
      expect(notary.queries).toEqual([]);
    });

    it.each<[string, () => Promise<JsonObject>]>([
      ['not signed by the notary', () => keyAnswer(peer.name, peer.key)],
      [
        'signed by a key that the notary does not name',
        async () => countersigned(await keyAnswer(peer.name, peer.key), other),
      ],
      [
        'not signed by the server itself',
        async () => countersigned({ ...(await keyAnswer(peer.name, peer.key)), signatures: {} }),
      ],
      [
        'signed by another key of the server',
        async () => countersigned(await keyAnswer(peer.name, peer.key, {}, other)),
      ],
      [
        'changed on the way',
        async () => ({
          ...(await countersigned(await keyAnswer(peer.name, peer.key))),
          valid_until_ts: Date.now() + 2 * HOUR,
        }),
      ],
      [
        'about a server that nobody asked about',
        async () => countersigned(await keyAnswer('elsewhere', peer.key)),
      ],
    ])('do not count when the answer is %s', async (_, answer) => {
      notary.others = async () => ({ server_keys: [await answer()] });
      const keys = test.serverKeys([notary.name]);
      const lookup = await keys.find([wanted()]);
      expect(lookup(peer.name, peer.key.keyId)).toBeUndefined();
      await keys.find([wanted()]);
      expect(notary.queries).toHaveLength(1);
      expect(await test.keyRows('elsewhere')).toEqual([]);
    });

    it('are asked for in a bounded number of requests at once', async () => {
      const [four, end] = [Promise.withResolvers<undefined>(), Promise.withResolvers<JsonObject>()];
      notary.others = () => {
        if (notary.queries.length === 4) four.resolve(undefined);
        return end.promise;
      };
      const keys = test.serverKeys([notary.name]);
      const ask = (port: number) => keys.currentKey(`127.0.0.1:${port}` as ServerName, other.keyId);
      const waiting = [1, 2, 3, 4].map(ask);
      await four.promise;
      expect(await ask(5)).toBeUndefined();
      end.resolve({ server_keys: [] });
      expect(await Promise.all(waiting)).toEqual(Array(4).fill(undefined));
      expect(notary.queries).toHaveLength(4);
    });

    it('do not replace what is valid for longer', async () => {
      const old = { valid_until_ts: 7_000, verify_keys: { [peer.key.keyId]: { key: peer.key.publicKey } } };
      await addRow({ valid_until_ts: 9_000, expired_ts: 8_000 });
      notary.others = async () => ({
        server_keys: [await countersigned(await keyAnswer(peer.name, peer.key, old))],
      });
      await test.serverKeys([notary.name]).find([wanted(), wanted(other.keyId)]);
      expect(notary.queries).toHaveLength(1);
      expect(await test.keyRows(peer.name)).toMatchObject([{ valid_until_ts: 9_000, expired_ts: 8_000 }]);
    });

    it('come from the next one when the first has none', async () => {
      const second = await test.start();
      second.others = async () => ({
        server_keys: [await signJson(await keyAnswer(peer.name, peer.key), second.name, second.key)],
      });
      notary.others = () => 'nonsense';
      const lookup = await test.serverKeys([notary.name, second.name]).find([wanted()]);
      expect(lookup(peer.name, peer.key.keyId)?.publicKey).toBe(peer.key.publicKey);
    });
  });
});
