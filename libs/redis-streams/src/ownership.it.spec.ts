import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Work } from './testing/work.spec-support.js';
import { Transport, until } from './testing/transport.spec-support.js';

describe('a partition that moves', () => {
  let transport: Transport;
  let nextPartition = 0;

  beforeAll(async () => {
    transport = await Transport.start();
    for (const instance of ['left', 'right']) {
      await transport.server(instance, ({ text }) => Promise.resolve({ text: `${text} by ${instance}` }));
    }
  });
  afterAll(() => transport.stop());

  const ownedBy = (instance: string) => {
    transport.ownership.move(++nextPartition, instance);
    return nextPartition;
  };

  it('is followed when the former owner names the new one', async () => {
    const partition = ownedBy('left');
    const { client, owners } = transport.client();
    await client.request(Work, { partition, input: { text: 'before' } });
    transport.ownership.move(partition, 'right');
    const answer = await client.request(Work, { partition, input: { text: 'after' } });
    expect(answer.text).toBe('after by right');
    expect(owners.learnt).toEqual(['right']);
  });

  it('is waited for while nobody owns it', async () => {
    const { client } = transport.client();
    const partition = ++nextPartition;
    const request = client.request(Work, { partition, input: { text: 'early' } });
    const owner = new Promise((resolve) => setTimeout(resolve, 200)).then(() => {
      transport.ownership.move(partition, 'left');
    });
    await expect(request).resolves.toEqual({ text: 'early by left' });
    await owner;
  });

  it('is looked for again when the owner has no inbox any more', async () => {
    const partition = ownedBy('gone');
    const { client, owners, redis } = transport.client();
    await owners.ownerOf(partition);
    transport.ownership.move(partition, 'right');
    await expect(client.request(Work, { partition, input: { text: 'lost' } })).resolves.toEqual({
      text: 'lost by right',
    });
    expect(await redis.exists('{atoll:test:gone}:inbox')).toBe(0);
  });

  it('is asked again under the same key when the owner stays silent and loses it', async () => {
    const keys: string[] = [];
    await transport.server('heir', ({ text }, context) => {
      keys.push(context.idempotencyKey);
      return Promise.resolve({ text });
    });
    const partition = ownedBy('frozen');
    const { client, owners, redis } = transport.client();
    await until(() => redis.status === 'ready');
    await redis.xadd('{atoll:test:frozen}:inbox', '*', 'heartbeat', '');
    const request = client.request(Work, { partition, input: { text: 'kept' }, idempotencyKey: 'same' });
    await until(async () => (await redis.xlen('{atoll:test:frozen}:inbox')) === 2);
    transport.ownership.move(partition, 'heir');
    owners.forget(partition);
    await expect(request).resolves.toEqual({ text: 'kept' });
    expect(keys).toEqual(['same']);
  });
});

describe('a request that arrives twice', () => {
  let transport: Transport;
  beforeAll(async () => {
    transport = await Transport.start();
  });
  afterAll(() => transport.stop());

  it('joins the running one of the same idempotency key', async () => {
    let runs = 0;
    const release = Promise.withResolvers<undefined>();
    transport.ownership.move(1, 'one');
    await transport.server('one', async ({ text }) => {
      runs += 1;
      await release.promise;
      return { text };
    });
    const input = { text: 'once' };
    const [a, b] = [transport.client(), transport.client()];
    const first = a.client.request(Work, { partition: 1, input, idempotencyKey: 'txn' });
    await until(() => runs === 1);
    const second = b.client.request(Work, { partition: 1, input, idempotencyKey: 'txn' });
    await until(async () => (await b.redis.xlen('{atoll:test:one}:inbox').catch(() => 0)) >= 2);
    release.resolve(undefined);
    await expect(Promise.all([first, second])).resolves.toEqual([input, input]);
    expect(runs).toBe(1);
  });
});
