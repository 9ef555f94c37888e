import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Work } from './testing/work.spec-support.js';
import { Transport, until } from './testing/transport.spec-support.js';

describe('an instance under load', () => {
  let transport: Transport;
  beforeEach(async () => {
    transport = await Transport.start();
    transport.ownership.move(1, 'one');
  });
  afterEach(() => transport.stop());

  it('handles no more at once than its bound', async () => {
    let running = 0;
    let most = 0;
    await transport.server(
      'one',
      async ({ text }) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        return { text };
      },
      { maxInFlight: 4 },
    );
    const { client, redis } = transport.client();
    await until(() => redis.status === 'ready');
    const request = () => client.request(Work, { partition: 1, input: { text: 'x' } });
    await Promise.all(Array.from({ length: 300 }, request));
    expect(most).toBe(4);
  });

  it('has callers answered at once with a time to retry when its inbox is too deep', async () => {
    const redis = await transport.connected('filler');
    for (let i = 0; i < 11; i += 1) await redis.xadd('{atoll:test:one}:inbox', '*', 'heartbeat', '');
    const { client } = transport.client({ maxDepth: 10 });
    const waiting = client.request(Work, { partition: 1, input: { text: 'x' }, timeoutMs: 1_500 });
    const swallowed = expect(waiting).rejects.toMatchObject({ status: 503 });
    let refused: unknown;
    await until(async () => {
      const started = performance.now();
      refused = await client
        .request(Work, { partition: 1, input: { text: 'x' }, timeoutMs: 100 })
        .catch((error: unknown) => error);
      return performance.now() - started < 20;
    });
    expect(refused).toMatchObject({
      status: 503,
      errcode: 'M_LIMIT_EXCEEDED',
      extra: { retry_after_ms: 1000 },
    });
    await swallowed;
  });

  it('has callers refused when requests lie too long, and accepted again afterwards', async () => {
    await transport.server(
      'one',
      async ({ text }) => {
        await new Promise((resolve) => setTimeout(resolve, 150));
        return { text };
      },
      { maxInFlight: 1 },
    );
    const { client, redis } = transport.client({ maxWaitMs: 50 });
    await until(() => redis.status === 'ready');
    const request = () => client.request(Work, { partition: 1, input: { text: 'x' } });
    await Promise.all([request(), request()]);
    await expect(request()).rejects.toMatchObject({ status: 503 });
    await until(() =>
      request().then(
        () => true,
        () => false,
      ),
    );
  });
});

describe('a graceful stop', () => {
  let transport: Transport;
  beforeEach(async () => {
    transport = await Transport.start();
    transport.ownership.move(1, 'old');
  });
  afterEach(() => transport.stop());

  it('answers all in flight, sends the others to the next owner and removes the inbox', async () => {
    const release = Promise.withResolvers<undefined>();
    const handledByOld: string[] = [];
    const old = await transport.server('old', async ({ text }) => {
      handledByOld.push(text);
      await release.promise;
      return { text: `${text} by old` };
    });
    await transport.server('new', ({ text }) => Promise.resolve({ text: `${text} by new` }));
    const { client, redis } = transport.client();
    const inFlight = ['a', 'b', 'c'].map((text) => client.request(Work, { partition: 1, input: { text } }));
    await until(() => handledByOld.length === 3);

    const closed = old.close();
    const late = client.request(Work, { partition: 1, input: { text: 'd' } });
    transport.ownership.move(1, 'new');
    await expect(late).resolves.toEqual({ text: 'd by new' });
    release.resolve(undefined);
    expect(await Promise.all(inFlight)).toEqual([
      { text: 'a by old' },
      { text: 'b by old' },
      { text: 'c by old' },
    ]);
    await closed;
    expect(await redis.exists('{atoll:test:old}:inbox')).toBe(0);
    expect(handledByOld).toHaveLength(3);
  });
});
