import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connectRedis } from '@atoll/redis-streams';
import type { SyncUser } from '../sync/sync-app.spec-support.js';
import { type Answer, textOf } from '../test-client-api.spec-support.js';
import { numbered, numbersIn, startToDeviceApp, type ToDeviceApp } from './to-device-app.spec-support.js';

let app: ToDeviceApp;
let alice: SyncUser;
beforeAll(async () => {
  app = await startToDeviceApp();
  alice = await app.register('alice');
});
afterAll(() => app.close());

let users = 0;
const newUser = (devices = 1) => app.registerDevices(`user${(users += 1)}`, devices);
const count = (length: number) => Array.from({ length }, (_, n) => n);
const errcode = ({ status, body }: Answer) => `${status} ${textOf(body['errcode'])}`;

describe('a message to devices', () => {
  it('reaches those that are named, as it was sent, and nobody else', async () => {
    const [one, two] = (await newUser(2)) as [SyncUser, SyncUser];
    const [other] = (await newUser()) as [SyncUser];
    const content = { text: 'ü\u0000', nested: [{ a: null }], z: 1, a: 2 };
    await app.mustSend(
      alice,
      {
        [one.userId]: { [one.deviceId]: content, NOSUCH: { n: 1 } },
        '@nobody:hs1': { '*': { n: 1 } },
      },
      { type: 'm.some.type' },
    );
    const answer = await app.sync(one);
    expect(answer).toMatchObject({
      to_device: { events: [{ sender: alice.userId, type: 'm.some.type', content }] },
    });
    for (const user of [two, other, alice]) expect(await app.sync(user)).not.toHaveProperty('to_device');
  });

  it('reaches all devices by a star, but for those that are named beside it', async () => {
    const [one, two, three] = (await newUser(3)) as [SyncUser, SyncUser, SyncUser];
    await app.mustSend(alice, { [one.userId]: { '*': { n: 1 }, [two.deviceId]: { n: 2 } } });
    expect((await app.read(one)).numbers).toEqual([1]);
    expect((await app.read(two)).numbers).toEqual([2]);
    expect((await app.read(three)).numbers).toEqual([1]);
  });

  it('is sent once however often its transaction is repeated, by any instance', async () => {
    const [bob] = (await newUser()) as [SyncUser];
    const target = '/sendToDevice/m.test/same';
    const body = { messages: numbered(bob, 1) };
    const answers = await Promise.all(
      count(10).map((n) => app.requestOf(n, 'PUT', target, { token: alice.token, body })),
    );
    expect(answers.map(({ status }) => status)).toEqual(count(10).map(() => 200));
    // The content does not count, the type and the device do.
    await app.mustSend(alice, numbered(bob, 2), { txnId: 'same' });
    await app.mustSend(alice, numbered(bob, 3), { txnId: 'same', type: 'm.other' });
    const second = { ...(await app.logIn('alice')), userId: alice.userId };
    await app.mustSend(second, numbered(bob, 4), { txnId: 'same' });
    expect((await app.read(bob)).numbers).toEqual([1, 3, 4]);
  });

  it.each([
    ['no messages', {}, '400 M_BAD_JSON'],
    ['a list', { messages: [] }, '400 M_BAD_JSON'],
    ['a user id that is none', { messages: { bob: { '*': {} } } }, '400 M_INVALID_PARAM'],
    ['a message that is no object', { messages: { '@bob:hs1': { '*': 'text' } } }, '400 M_BAD_JSON'],
    ['devices that are no object', { messages: { '@bob:hs1': [] } }, '400 M_BAD_JSON'],
    ['a NUL', { messages: { '@bob:hs1': { 'A\u0000': {} } } }, '400 M_INVALID_PARAM'],
    [
      'too large a message',
      { messages: { '@bob:hs1': { A: { x: 'x'.repeat(65_536) } } } },
      '413 M_TOO_LARGE',
    ],
    [
      'too many recipients',
      { messages: { '@bob:hs1': Object.fromEntries(count(1_001).map((n) => [`D${n}`, {}])) } },
      '413 M_TOO_LARGE',
    ],
  ])('is refused with %s', async (_what, body, refusal) => {
    const answer = await app.request('PUT', '/sendToDevice/m.test/bad', { token: alice.token, body });
    expect(errcode(answer)).toBe(refusal);
  });

  it('needs an access token', async () => {
    const answer = await app.request('PUT', '/sendToDevice/m.test/x', { body: { messages: {} } });
    expect(errcode(answer)).toBe('401 M_MISSING_TOKEN');
  });

  it('of large content to very many devices is refused as a whole', async () => {
    const [bob] = (await newUser()) as [SyncUser];
    await app.database.db
      .insertInto('devices')
      .values(
        count(300).map(
          (n) => ({ user_id: bob.userId, device_id: `D${n}` as never, last_seen_ts: 0 }) as never,
        ),
      )
      .execute();
    const answer = await app.send(alice, { [bob.userId]: { '*': { x: 'x'.repeat(60_000) } } });
    expect(errcode(answer)).toBe('413 M_TOO_LARGE');
    expect((await app.read(bob)).numbers).toEqual([]);
  });

  it('is not given up of a device that has nothing to read, but reads', async () => {
    const [quiet] = (await newUser()) as [SyncUser];
    const { next } = await app.read(quiet);
    const dayAgo = Date.now() - 24 * 3_600_000 - 1;
    await app.database.db
      .updateTable('devices')
      .set({ inbox_emptied_ts: dayAgo })
      .where('user_id', '=', quiet.userId as never)
      .execute();
    await app.read(quiet, next);
    const { at } = await app.database.db
      .selectFrom('devices')
      .select('inbox_emptied_ts as at')
      .where('user_id', '=', quiet.userId as never)
      .executeTakeFirstOrThrow();
    expect(at).toBeGreaterThan(dayAgo);
  });

  describe('when an inbox and a queue are full', () => {
    let full: SyncUser;
    let bob: SyncUser;
    let mallory: SyncUser;
    const remote = '@carol:hs9';
    beforeEach(async () => {
      [full, bob, mallory] = [(await newUser())[0], (await newUser())[0], (await newUser())[0]] as [
        SyncUser,
        SyncUser,
        SyncUser,
      ];
      await app.database.pool.query(
        `INSERT INTO to_device (user_id, device_id, position, sender, type, content)
         SELECT $1, $2, 0, $3, 'm.test', '{}' FROM generate_series(1, 125000)`,
        [full.userId, full.deviceId, mallory.userId],
      );
      await app.database.pool.query(
        `INSERT INTO outgoing_to_device (destination, position, sender, content)
         SELECT 'hs9', 0, $1, '{}' FROM generate_series(1, 125000)`,
        [mallory.userId],
      );
    });
    afterEach(async () => {
      jest.restoreAllMocks();
      await app.database.db.deleteFrom('outgoing_to_device').execute();
    });
    /** What waited is acknowledged, and the client waits as long as it was told to. */
    const isEmptied = async (retryAfterMs: unknown) => {
      await app.database.pool.query('DELETE FROM to_device WHERE sender = $1', [mallory.userId]);
      await app.database.db.deleteFrom('outgoing_to_device').execute();
      const now = Date.now;
      jest.spyOn(Date, 'now').mockImplementation(() => now() + Number(retryAfterMs));
    };
    const queued = () => app.database.db.selectFrom('outgoing_to_device').select('content').execute();

    it('the others get theirs, and a repeated request brings what is missing, once', async () => {
      const messages = { ...numbered(full, 1), ...numbered(bob, 1), [remote]: { '*': { n: 1 } } };
      const target = '/sendToDevice/m.test/full';
      const send = (turn: number) =>
        app.requestOf(turn, 'PUT', target, { token: mallory.token, body: { messages } });
      // Both at once, and again: nobody gets anything twice, and nothing that waits is dropped.
      const answers = await Promise.all(count(4).map(send));
      expect(answers.map(errcode)).toEqual(count(4).map(() => '429 M_LIMIT_EXCEEDED'));
      expect(await app.waitingFor(full)).toBe(125_000);
      expect(await app.waitingFor(bob)).toBe(1);
      expect(await queued()).toHaveLength(125_000);
      await isEmptied(answers[0]?.body['retry_after_ms']);
      expect((await Promise.all(count(6).map(send))).map(({ status }) => status)).toEqual(
        count(6).map(() => 200),
      );
      expect((await send(0)).status).toBe(200);
      expect((await app.read(full)).numbers).toEqual([1]);
      expect(await app.waitingFor(bob)).toBe(0);
      expect((await queued()).map(({ content }) => JSON.parse(content) as unknown)).toEqual([
        expect.objectContaining({ messages: { [remote]: { '*': { n: 1 } } } }),
      ]);
    });

    it('a request that reaches nobody is refused and not remembered', async () => {
      const send = (n: number) => app.send(mallory, numbered(full, n), { txnId: 'refused' });
      const refusal = await send(1);
      expect(errcode(refusal)).toBe('429 M_LIMIT_EXCEEDED');
      await isEmptied(refusal.body['retry_after_ms']);
      expect((await send(2)).status).toBe(200);
      expect((await app.read(full)).numbers).toEqual([2]);
    });

    it('and nobody has emptied them for a day, they are passed over until somebody does', async () => {
      const dayAgo = Date.now() - 24 * 3_600_000 - 1;
      const emptied = () =>
        app.database.db
          .selectFrom('devices')
          .select('inbox_emptied_ts as at')
          .where('device_id', '=', full.deviceId as never)
          .executeTakeFirstOrThrow();
      await app.database.db
        .updateTable('devices')
        .set({ inbox_emptied_ts: dayAgo })
        .where('device_id', '=', full.deviceId as never)
        .execute();
      // Not known to have had room.
      await app.database.pool.query("UPDATE outgoing_to_device SET destination = 'hs8'");
      await app.database.pool.query(
        `INSERT INTO destinations (destination, partition, sent_position, failing_since) VALUES ('hs8', 0, 0, $1)`,
        [dayAgo],
      );
      await app.mustSend(mallory, { ...numbered(full, 1), ...numbered(bob, 1), '@dave:hs8': { '*': {} } });
      await app.mustSend(mallory, numbered(full, 2));
      expect([await app.waitingFor(full), await app.waitingFor(bob)]).toEqual([125_000, 1]);
      expect(await queued()).toHaveLength(125_000);
      expect(await emptied()).toEqual({ at: dayAgo });
      await app.read(full, (await app.read(full)).next);
      expect(await app.waitingFor(full)).toBe(0);
      expect((await emptied()).at).toBeGreaterThan(dayAgo);
    });

    it('of one sender alone, others may send', async () => {
      await app.mustSend(alice, { ...numbered(full, 1), [remote]: { '*': { n: 1 } } });
      expect(await app.waitingFor(full)).toBe(125_001);
      expect(await queued()).toHaveLength(125_001);
    });
  });

  it('goes with its device, however that goes, and is not for a later one of the same name', async () => {
    const [first, second, third] = (await newUser(3)) as [SyncUser, SyncUser, SyncUser];
    await app.mustSend(alice, { [first.userId]: { '*': { n: 1 } } });
    await app.request('POST', '/logout', { token: second.token });
    expect([await app.waitingFor(first), await app.waitingFor(second)]).toEqual([1, 0]);
    await app.request('POST', '/logout/all', { token: third.token });
    expect([await app.waitingFor(first), await app.waitingFor(third)]).toEqual([0, 0]);
    const again = await app.logIn(first.userId, { device_id: first.deviceId });
    expect((await app.read(again)).numbers).toEqual([]);
  });

  it('is sent although a device of the same name that is gone has used the id of its transaction', async () => {
    const [bob] = (await newUser()) as [SyncUser];
    const [first] = (await newUser()) as [SyncUser];
    await app.mustSend(first, numbered(bob, 1), { txnId: '0' });
    await app.request('POST', '/logout', { token: first.token });
    const again = { ...(await app.logIn(first.userId, { device_id: first.deviceId })), userId: first.userId };
    for (const n of [2, 3]) await app.mustSend(again, numbered(bob, n), { txnId: '0' });
    expect((await app.read(bob)).numbers).toEqual([1, 2]);
  });

  it('survives a login that takes up its device again', async () => {
    const [bob] = (await newUser()) as [SyncUser];
    await app.mustSend(alice, numbered(bob, 1));
    const again = await app.logIn(bob.userId, { device_id: bob.deviceId });
    expect((await app.read(again)).numbers).toEqual([1]);
  });
});

describe('/sync', () => {
  it('tells messages until their token comes back, and never after', async () => {
    const [bob] = (await newUser()) as [SyncUser];
    const start = (await app.read(bob)).next;
    await app.mustSend(alice, numbered(bob, 1));
    await app.mustSend(alice, numbered(bob, 2));
    const first = await app.read(bob, start);
    expect(first.numbers).toEqual([1, 2]);
    // The answer may have been lost.
    expect(await app.read(bob, start)).toEqual(first);
    expect((await app.read(bob)).numbers).toEqual([1, 2]);
    expect(await app.waitingFor(bob)).toBe(2);
    await app.mustSend(alice, numbered(bob, 3));
    const second = await app.read(bob, first.next);
    expect(second.numbers).toEqual([3]);
    expect(await app.waitingFor(bob)).toBe(1);
    // An old token brings nothing back that was acknowledged.
    expect((await app.read(bob, start)).numbers).toEqual([3]);
    expect((await app.read(bob, second.next)).numbers).toEqual([]);
    expect(await app.waitingFor(bob)).toBe(0);
  });

  it('gives tokens that never go back, though what is acknowledged is deleted', async () => {
    const [bob] = (await newUser()) as [SyncUser];
    await app.mustSend(alice, numbered(bob, 1));
    let { next } = await app.read(bob);
    // Nothing is left in the table at all.
    await app.database.pool.query('DELETE FROM to_device WHERE user_id <> $1', [bob.userId]);
    for (const n of [2, 3]) {
      next = (await app.read(bob, next)).next;
      expect(await app.waitingFor(bob)).toBe(0);
      await app.mustSend(alice, numbered(bob, n));
      const answer = await app.read(bob, next);
      expect(answer.numbers).toEqual([n]);
      ({ next } = answer);
    }
  });

  it('tells a flood of 1,000 in order, 100 at a time and without waiting, by either instance', async () => {
    const [bob] = (await newUser()) as [SyncUser];
    const start = (await app.read(bob)).next;
    for (const n of count(50))
      await app.write(
        alice.userId,
        bob,
        count(20).map((k) => n * 20 + k),
      );
    const told: number[] = [];
    let since = start;
    for (const n of count(10)) {
      const path = app.url({ since, timeout: 30_000 });
      const { body } = await app.requestOf(n, 'GET', path, {
        token: bob.token,
      });
      const numbers = numbersIn(body as never);
      expect(numbers).toHaveLength(100);
      told.push(...numbers);
      since = textOf(body['next_batch']);
      expect(await app.waitingFor(bob)).toBe(1_000 - 100 * n);
    }
    expect(told).toEqual(count(1_000));
    expect((await app.read(bob, since)).numbers).toEqual([]);
    expect(await app.waitingFor(bob)).toBe(0);
  });

  it('skips nothing while many send at once by two instances', async () => {
    const [bob] = (await newUser()) as [SyncUser];
    const senders = await Promise.all(count(4).map(async () => (await newUser())[0] as SyncUser));
    let since = (await app.read(bob)).next;
    const told: number[] = [];
    const isDone = Promise.all(
      senders.map(async (sender, s) => {
        for (const k of count(25)) {
          const n = s * 1_000 + k;
          const body = { messages: numbered(bob, n) };
          await app.requestOf(s, 'PUT', `/sendToDevice/m.test/${n}`, { token: sender.token, body });
        }
      }),
    ).then(() => true);
    for (let isLast = false; !isLast;) {
      isLast = await Promise.race([isDone, Promise.resolve(false)]);
      const answer = await app.read(bob, since);
      told.push(...answer.numbers);
      since = answer.next;
    }
    for (const s of count(4)) {
      expect(told.filter((n) => Math.floor(n / 1_000) === s)).toEqual(count(25).map((k) => s * 1_000 + k));
    }
    expect(told).toHaveLength(100);
  });

  it('waits for messages, at either instance, and after Redis has forgotten all', async () => {
    const [bob] = (await newUser()) as [SyncUser];
    const redis = connectRedis(app.redisUrl, 'spec');
    let since = (await app.read(bob)).next;
    for (const n of [1, 2, 3]) {
      const path = app.url({ since, timeout: 30_000 });
      const waiting = app.requestOf(n - 1, 'GET', path, { token: bob.token });
      // Another one begun later has gone its whole way.
      await app.read(bob, since, 150);
      if (n === 3) await redis.flushall();
      await app.mustSend(alice, numbered(bob, n));
      const { body } = await waiting;
      expect(numbersIn(body as never)).toEqual([n]);
      since = textOf(body['next_batch']);
    }
    redis.disconnect();
  });

  it('is not acknowledged by what came before /sync', async () => {
    const [bob] = (await newUser()) as [SyncUser];
    await app.mustSend(alice, numbered(bob, 1));
    const { body } = await app.request('GET', '/initialSync', { token: bob.token });
    const events = await app.request('GET', `/events?timeout=0&from=${textOf(body['end'])}`, {
      token: bob.token,
    });
    expect(events.status).toBe(200);
    const answer = await app.read(bob, textOf(events.body['end']));
    expect(answer.numbers).toEqual([1]);
  });
});
