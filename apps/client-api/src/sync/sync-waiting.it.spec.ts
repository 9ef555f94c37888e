import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventsCommitted } from '@atoll/contract';
import { Announcer, connectRedis, type RedisConnection } from '@atoll/redis-streams';
import { namesOf, startSyncApp, type SyncApp, type SyncUser } from './sync-app.spec-support.js';

describe('a waiting sync', () => {
  let app: SyncApp;
  let redis: RedisConnection;
  let announcer: Announcer;
  let alice: SyncUser;
  let bob: SyncUser;

  beforeAll(async () => {
    app = await startSyncApp();
    redis = connectRedis(app.redisUrl, 'spec');
    announcer = new Announcer(redis);
    [alice, bob] = [await app.register('alice'), await app.register('bob')];
  });
  afterAll(async () => {
    redis.disconnect();
    await app.close();
  });

  const announce = (position: number) => {
    announcer.publish(EventsCommitted, { from: position, to: position });
  };
  const time = async <T>(work: Promise<T>): Promise<[T, number]> => {
    const start = performance.now();
    return [await work, performance.now() - start];
  };
  /** Resolves when a sync of the user, begun before, must be waiting: another request went its whole way. */
  const settle = (user: SyncUser, since: string) => app.sync(user, { since, timeout: 150 });

  it('answers at once when there is news, and empty after its timeout', async () => {
    const room = await app.createRoom(alice.userId);
    const { next_batch: since } = await app.sync(alice);
    const [empty, waited] = await time(app.sync(alice, { since, timeout: 300 }));
    expect(empty).toEqual({ next_batch: since });
    expect(waited).toBeGreaterThanOrEqual(295);
    expect(waited).toBeLessThan(10_000);
    await room.message(alice.userId, 'news');
    const [answer, took] = await time(app.sync(alice, { since, timeout: 30_000 }));
    expect(namesOf(answer.rooms?.join?.[room.roomId]?.timeline.events)).toEqual(['news']);
    expect(took).toBeLessThan(10_000);
  });

  it('tells nothing more to a device that has logged out meanwhile', async () => {
    const carol = await app.register('carol');
    const room = await app.createRoom(carol.userId);
    const { next_batch: since } = await app.sync(carol);
    const waiting = app.request('GET', app.url({ since, timeout: 30_000 }), { token: carol.token });
    await settle(carol, since);
    await app.request('POST', '/logout', { token: carol.token });
    announce((await room.message(carol.userId, 'secret')).position);
    expect(await waiting).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
  });

  it('is woken by an announcement, and by the look of each second when that is lost', async () => {
    const room = await app.createRoom(alice.userId);
    let { next_batch: since } = await app.sync(alice);
    let spent = 0;
    for (const body of ['m1', 'm2', 'm3', 'm4']) {
      const waiting = app.sync(alice, { since, timeout: 30_000 });
      await settle(alice, since);
      announce((await room.message(alice.userId, body)).position);
      const [answer, took] = await time(waiting);
      expect(namesOf(answer.rooms?.join?.[room.roomId]?.timeline.events)).toEqual([body]);
      since = answer.next_batch;
      spent += took;
    }
    // The look of each second alone would need three to four of them.
    expect(spent).toBeLessThan(2000);

    const again = app.sync(alice, { since, timeout: 30_000 });
    await settle(alice, since);
    await redis.flushall();
    const sent = performance.now();
    await room.message(alice.userId, 'lost');
    expect(namesOf((await again).rooms?.join?.[room.roomId]?.timeline.events)).toEqual(['lost']);
    expect(performance.now() - sent).toBeLessThan(15_000);
  });

  it('hears of an invite to a room that it did not know, and of account data', async () => {
    const { next_batch: since } = await app.sync(bob);
    const waiting = app.sync(bob, { since, timeout: 30_000 });
    await settle(bob, since);
    const room = await app.together(async (database) => {
      const created = await app.createRoom(alice.userId, database);
      await created.member(bob.userId, 'invite', alice.userId);
      return created;
    });
    const answer = await waiting;
    expect(answer.rooms?.invite).toHaveProperty([room.roomId]);

    const next = app.sync(bob, { since: answer.next_batch, timeout: 30_000 });
    await settle(bob, answer.next_batch);
    await app.request('PUT', `/user/${bob.userId}/account_data/org.example.x`, {
      token: bob.token,
      body: {},
    });
    expect(namesOf((await next).account_data?.events)).toEqual(['org.example.x']);
  });

  it('waits on when what happens does not pass its filter, or is of others', async () => {
    const room = await app.createRoom(alice.userId);
    const foreign = await app.createRoom(bob.userId);
    const { next_batch: since } = await app.sync(alice);
    const filter = { room: { timeline: { types: ['m.room.message'] } } };
    const waiting = app.sync(alice, { since, filter, timeout: 30_000 });
    const short = app.sync(alice, { since, filter, timeout: 700 });
    await settle(alice, since);
    // An own event would read what is unread.
    await room.event({ type: 'm.reaction', sender: bob.userId });
    announce((await foreign.message(bob.userId, 'elsewhere')).position);
    expect(await short).not.toHaveProperty('rooms');
    announce((await room.message(alice.userId, 'passes')).position);
    expect(namesOf((await waiting).rooms?.join?.[room.roomId]?.timeline.events)).toEqual(['passes']);
  });

  it('is answered, empty, when the process drains', async () => {
    const draining = await startSyncApp();
    const carol = await draining.register('carol');
    const { next_batch: since } = await draining.sync(carol);
    const waiting = draining.sync(carol, { since, timeout: 60_000 });
    await draining.sync(carol, { since, timeout: 150 });
    const [, took] = await time(draining.close());
    expect(await waiting).toEqual({ next_batch: since });
    expect(took).toBeLessThan(10_000);
  });
});
