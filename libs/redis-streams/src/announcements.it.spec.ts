import { defineAnnouncement } from '@atoll/contract';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { AnnouncementReader } from './announcement-reader.js';
import { Announcer } from './announcer.js';
import { Transport, until } from './testing/transport.spec-support.js';

const payload = z.object({ position: z.number() });
const Accepted = defineAnnouncement({ name: 'accepted', version: 1, payload });
const Other = defineAnnouncement({ name: 'other', version: 1, payload });
const NewerAccepted = defineAnnouncement({ name: 'accepted', version: 2, payload });

describe('announcements', () => {
  let transport: Transport;
  const readers: AnnouncementReader[] = [];

  beforeEach(async () => {
    transport = await Transport.start();
  });
  afterEach(async () => {
    for (const reader of readers.splice(0)) await reader.stop();
    await transport.stop();
  });

  async function listen() {
    const seen: number[] = [];
    const state = { seen, gaps: 0 };
    const reader = new AnnouncementReader(transport.connect('listener'), 'listener', () => {
      state.gaps += 1;
    })
      .on(Accepted, ({ position }) => void seen.push(position))
      .on(Other, ({ position }) => void seen.push(-position));
    readers.push(reader);
    reader.start();
    await until(() => state.gaps === 1);
    return state;
  }

  it('reach every reader in order, from where it began', async () => {
    const announcer = new Announcer(await transport.connected('announcer'));
    announcer.publish(Accepted, { position: 1 });
    const redis = await transport.connected('observer');
    await until(async () => (await redis.exists('{atoll:announcements}:accepted')) === 1);
    const [a, b] = [await listen(), await listen()];
    for (const position of [2, 3, 4]) announcer.publish(Accepted, { position });
    await until(() => a.seen.length === 3 && b.seen.length === 3);
    expect(a.seen).toEqual([2, 3, 4]);
    expect(b.seen).toEqual([2, 3, 4]);
    expect(a.gaps).toBe(1);
  });

  it('come from all streams of a reader', async () => {
    const announcer = new Announcer(await transport.connected('announcer'));
    const listener = await listen();
    announcer.publish(Accepted, { position: 1 });
    announcer.publish(Other, { position: 1 });
    await until(() => listener.seen.length === 2);
    expect(listener.seen.toSorted()).toEqual([-1, 1]);
  });

  it('report a gap after a flush and go on', async () => {
    const redis = await transport.connected('announcer');
    const announcer = new Announcer(redis);
    announcer.publish(Accepted, { position: 1 });
    await until(async () => (await redis.exists('{atoll:announcements}:accepted')) === 1);
    const listener = await listen();
    await redis.flushall();
    await until(() => listener.gaps === 2);
    announcer.publish(Accepted, { position: 9 });
    await until(() => listener.seen.includes(9));
  });

  it('report a gap when a flush is followed at once by news', async () => {
    const redis = await transport.connected('announcer');
    const announcer = new Announcer(redis);
    const listener = await listen();
    announcer.publish(Accepted, { position: 1 });
    await until(() => listener.seen.length === 1);
    const { gaps } = listener;
    announcer.publish(Accepted, { position: 2 });
    await until(() => listener.seen.length === 2);
    expect(listener.gaps).toBe(gaps);
    await redis.flushall();
    announcer.publish(Accepted, { position: 3 });
    await until(() => listener.seen.length === 3 && listener.gaps === gaps + 1);
  });

  it('report a gap when the stream was trimmed past a busy reader', async () => {
    const redis = await transport.connected('announcer');
    const announcer = new Announcer(redis);
    const busy = Promise.withResolvers<undefined>();
    const seen: number[] = [];
    let gaps = 0;
    const reader = new AnnouncementReader(transport.connect('slow'), 'slow', () => {
      gaps += 1;
    }).on(Accepted, async ({ position }) => {
      seen.push(position);
      if (position === 2) await busy.promise;
    });
    readers.push(reader);
    announcer.publish(Accepted, { position: 1 });
    await until(async () => (await redis.exists('{atoll:announcements}:accepted')) === 1);
    reader.start();
    await until(() => gaps === 1);
    announcer.publish(Accepted, { position: 2 });
    await until(() => seen.length === 1);
    announcer.publish(Accepted, { position: 3 });
    await until(async () => (await redis.xlen('{atoll:announcements}:accepted')) === 3);
    await redis.xtrim('{atoll:announcements}:accepted', 'MAXLEN', 0);
    announcer.publish(Accepted, { position: 4 });
    busy.resolve(undefined);
    await until(() => gaps >= 2 && seen.includes(4));
    expect(seen).toEqual([2, 4]);
  });

  it('in a version that the reader does not know are gaps', async () => {
    const announcer = new Announcer(await transport.connected('announcer'));
    const listener = await listen();
    announcer.publish(NewerAccepted, { position: 1 });
    await until(() => listener.gaps > 1);
    expect(listener.seen).toEqual([]);
  });

  it('go on after Redis was away, with a gap', async () => {
    const redis = await transport.connected('announcer');
    const announcer = new Announcer(redis);
    const listener = await listen();
    await transport.stopRedis();
    announcer.publish(Accepted, { position: 1 });
    await transport.restoreRedis();
    await until(() => listener.gaps > 1 && redis.status === 'ready');
    announcer.publish(Accepted, { position: 2 });
    await until(() => listener.seen.length === 1);
    expect(listener.seen).toEqual([2]);
  });
});
