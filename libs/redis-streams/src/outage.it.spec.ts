import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Work } from './testing/work.spec-support.js';
import { Transport, until } from './testing/transport.spec-support.js';

describe('the transport without what Redis held', () => {
  let transport: Transport;
  beforeEach(async () => {
    transport = await Transport.start();
    transport.ownership.move(1, 'one');
  });
  afterEach(() => transport.stop());

  const echo = ({ text }: { text: string }) => Promise.resolve({ text });

  it('answers a request whose entry was flushed before it was read', async () => {
    const handled: string[] = [];
    const release = Promise.withResolvers<undefined>();
    await transport.server(
      'one',
      async ({ text }) => {
        handled.push(text);
        if (text === 'holds the instance') await release.promise;
        return { text };
      },
      { maxInFlight: 1 },
    );
    const { client, redis } = transport.client();
    const holding = client.request(Work, { partition: 1, input: { text: 'holds the instance' } });
    await until(() => handled.length === 1);
    const waiting = client.request(Work, { partition: 1, input: { text: 'flushed' } });
    await until(async () => {
      const entries = await redis.xrange('{atoll:test:one}:inbox', '-', '+');
      return entries.filter(([, fields]) => fields[0] === 'm').length === 2;
    });
    await redis.flushall();
    release.resolve(undefined);
    await expect(Promise.all([holding, waiting])).resolves.toEqual([
      { text: 'holds the instance' },
      { text: 'flushed' },
    ]);
  });

  it('answers a stream of requests through repeated flushes', async () => {
    await transport.server('one', echo);
    const { client, redis } = transport.client();
    for (let round = 0; round < 3; round += 1) {
      const requests = Array.from({ length: 50 }, (_, index) =>
        client.request(Work, { partition: 1, input: { text: `${String(round)}-${String(index)}` } }),
      );
      await until(() => redis.status === 'ready');
      await redis.flushall();
      const answers = await Promise.all(requests);
      expect(answers).toHaveLength(50);
    }
  });

  it('goes on after Redis was restarted empty', async () => {
    await transport.server('one', echo);
    const { client } = transport.client();
    await client.request(Work, { partition: 1, input: { text: 'before' } });
    await transport.stopRedis();
    const during = client.request(Work, { partition: 1, input: { text: 'during' } });
    await transport.restoreRedis();
    await expect(during).resolves.toEqual({ text: 'during' });
  });

  it('fails requests at their deadline while Redis is away, and starts without it', async () => {
    await transport.stopRedis();
    const server = await transport.server('one', echo);
    expect(server.isAlive()).toBe(false);
    const { client } = transport.client();
    const started = performance.now();
    const request = client.request(Work, { partition: 1, input: { text: 'early' }, timeoutMs: 400 });
    await expect(request).rejects.toMatchObject({ status: 503, errcode: 'M_LIMIT_EXCEEDED' });
    expect(performance.now() - started).toBeLessThan(10_000);
    await transport.restoreRedis();
    await expect(client.request(Work, { partition: 1, input: { text: 'now' } })).resolves.toEqual({
      text: 'now',
    });
    expect(server.isAlive()).toBe(true);
  });
});
