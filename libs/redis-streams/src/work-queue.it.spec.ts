import { MatrixError } from '@atoll/matrix';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { listDeadLetters } from './dead-letter.js';
import { NewerWork, Work } from './testing/work.spec-support.js';
import { Transport, until } from './testing/transport.spec-support.js';

const key = '{atoll:test:work}:stream';
const quick = { retryAfterMs: 300, maxDeliveries: 3, concurrency: 4 };

describe('work that any instance may do', () => {
  let transport: Transport;
  beforeEach(async () => {
    transport = await Transport.start();
  });
  afterEach(() => transport.stop());

  it('is done once by one of them and leaves the stream', async () => {
    const done: string[] = [];
    for (const instance of ['one', 'two']) {
      const handle = ({ text }: { text: string }) => {
        done.push(text);
        return Promise.resolve({ text });
      };
      await transport.server(instance, handle, { work: quick });
    }
    const { client, redis } = transport.client();
    await until(() => redis.status === 'ready');
    for (const text of ['a', 'b', 'c', 'd']) await client.enqueue(Work, { input: { text } });
    await until(async () => done.length === 4 && (await redis.xlen(key)) === 0);
    expect(done.toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('answers a caller, with errors too', async () => {
    const handle = ({ text }: { text: string }) => {
      if (text === 'bad') throw new MatrixError(404, 'M_NOT_FOUND', 'Nothing here');
      return Promise.resolve({ text: `${text}!` });
    };
    await transport.server('one', handle, { work: true });
    const { client } = transport.client();
    await expect(client.request(Work, { input: { text: 'good' } })).resolves.toEqual({ text: 'good!' });
    await expect(client.request(Work, { input: { text: 'bad' } })).rejects.toMatchObject({ status: 404 });
  });

  it('is taken over from a consumer that died with it', async () => {
    const { client, redis } = transport.client();
    await until(() => redis.status === 'ready');
    await client.enqueue(Work, { input: { text: 'orphan' }, idempotencyKey: 'o' });
    await redis.xgroup('CREATE', key, 'workers', '0');
    await redis.xreadgroup('GROUP', 'workers', 'died', 'COUNT', 1, 'STREAMS', key, '>');
    const deliveries: number[] = [];
    const handle = ({ text }: { text: string }, context: { delivery: number }) => {
      deliveries.push(context.delivery);
      return Promise.resolve({ text });
    };
    await transport.server('one', handle, { work: quick });
    await until(async () => (await redis.xlen(key)) === 0);
    expect(deliveries).toEqual([2]);
  });

  it('is not taken over while its consumer is alive, however long it takes', async () => {
    let runs = 0;
    const handle = async ({ text }: { text: string }) => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return { text };
    };
    await transport.server('one', handle, { work: quick });
    await transport.server('two', handle, { work: quick });
    const { client, redis } = transport.client();
    await until(() => redis.status === 'ready');
    await client.enqueue(Work, { input: { text: 'long' } });
    await until(async () => runs > 0 && (await redis.xlen(key)) === 0);
    expect(runs).toBe(1);
  });

  it('is put aside with the reason after its last try', async () => {
    let tries = 0;
    const handle = () => {
      tries += 1;
      return Promise.reject(new MatrixError(502, 'M_UNKNOWN', 'Peer is away'));
    };
    await transport.server('one', handle, { work: quick });
    const { client, redis } = transport.client();
    await until(() => redis.status === 'ready');
    await client.enqueue(Work, { input: { text: 'doomed' }, idempotencyKey: 'd' });
    await until(async () => (await listDeadLetters(redis, 'test')).length === 1);
    expect(tries).toBe(3);
    expect(await redis.xlen(key)).toBe(0);
    expect(await listDeadLetters(redis, 'test')).toMatchObject([
      {
        reason: 'MatrixError: Peer is away',
        deliveries: 3,
        pattern: 'test.work',
        version: 1,
        idempotencyKey: 'd',
        payload: { text: 'doomed' },
      },
    ]);
  });

  it('waits for an instance that knows its version', async () => {
    await transport.server('old', ({ text }) => Promise.resolve({ text }), { work: quick });
    const { client, redis } = transport.client();
    await until(() => redis.status === 'ready');
    await client.enqueue(NewerWork, { input: { text: 'new' } });
    await until(async () => {
      const [entry] = await redis.xrange(key, '-', '+');
      return (entry?.[1][1] ?? '').includes('"attempt":2');
    });
    expect(await listDeadLetters(redis, 'test')).toEqual([]);
  });

  it('is taken again after a flush took stream and group away', async () => {
    const done: string[] = [];
    const handle = ({ text }: { text: string }) => {
      done.push(text);
      return Promise.resolve({ text });
    };
    await transport.server('one', handle, { work: quick });
    const { client, redis } = transport.client();
    await until(() => redis.status === 'ready');
    await client.enqueue(Work, { input: { text: 'before' } });
    await until(() => done.length === 1);
    await redis.flushall();
    await client.enqueue(Work, { input: { text: 'after' } });
    await until(() => done.length === 2);
    expect(done).toEqual(['before', 'after']);
  });
});
