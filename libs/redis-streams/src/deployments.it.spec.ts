import { defineAnnouncement } from '@atoll/contract';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { AnnouncementReader } from './announcement-reader.js';
import { Announcer } from './announcer.js';
import { listDeadLetters } from './dead-letter.js';
import { startCluster, startSentinel } from './testing/redis-groups.spec-support.js';
import { Transport, until } from './testing/transport.spec-support.js';
import { Work } from './testing/work.spec-support.js';

const payload = z.object({ position: z.number() });
const Accepted = defineAnnouncement({ name: 'accepted', version: 1, payload });
const Other = defineAnnouncement({ name: 'other', version: 1, payload });

describe.each([
  ['a Cluster', startCluster],
  ['Sentinel', startSentinel],
])('the transport on %s', (_, startGroup) => {
  let transport: Transport;
  beforeAll(async () => {
    transport = await Transport.start(await startGroup());
    const handle = ({ text }: { text: string }) =>
      text === 'bad' ? Promise.reject(new Error('bad')) : Promise.resolve({ text });
    for (const instance of ['one', 'two', 'three']) {
      await transport.server(instance, handle, { work: { maxDeliveries: 1 } });
    }
  });
  afterAll(() => transport.stop());

  it('carries requests to owners and to any instance', async () => {
    const { client } = transport.client();
    for (const [partition, instance] of ['one', 'two', 'three'].entries()) {
      transport.ownership.move(partition, instance);
      const input = { text: instance };
      await expect(client.request(Work, { partition, input })).resolves.toEqual(input);
      await expect(client.request(Work, { input })).resolves.toEqual(input);
    }
  });

  it('carries work and puts aside what fails', async () => {
    const { client, redis } = transport.client();
    await until(() => redis.status === 'ready');
    await client.enqueue(Work, { input: { text: 'bad' } });
    await until(async () => (await listDeadLetters(redis, 'test')).length === 1);
    expect(await redis.xlen('{atoll:test:work}:stream')).toBe(0);
  });

  it('carries several streams of announcements to one reader', async () => {
    const redis = await transport.connected('announcer');
    const seen: number[] = [];
    let gaps = 0;
    const reader = new AnnouncementReader(redis, 'reader', () => void (gaps += 1))
      .on(Accepted, ({ position }) => void seen.push(position))
      .on(Other, ({ position }) => void seen.push(position));
    reader.start();
    await until(() => gaps === 1);
    const announcer = new Announcer(redis);
    announcer.publish(Accepted, { position: 1 });
    announcer.publish(Other, { position: 2 });
    await until(() => seen.length === 2);
    await reader.stop();
    expect(seen.toSorted()).toEqual([1, 2]);
  });
});
