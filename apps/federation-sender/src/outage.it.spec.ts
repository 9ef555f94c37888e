import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { DestinationReachable } from '@atoll/contract';
import { clearBackOff } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { type Peer, until } from './peer.spec-support.js';
import { ALICE, SenderInstallation, words } from './sender-installation.spec-support.js';

describe('the federation sender, when a destination does not answer', () => {
  let installation: SenderInstallation;
  let peer: Peer;

  beforeEach(async () => {
    installation = await SenderInstallation.open();
    peer = await installation.peer();
    await installation.startSender();
  });
  afterEach(() => installation.close());

  const isFailing = () =>
    until('failure', async () => typeof (await installation.destination(peer))?.retry_at === 'number');

  it('sends all that was missed when it is back, in order', async () => {
    const bob = peer.user('bob');
    const [room, second] = [await installation.room(bob), await installation.room(bob)];
    await installation.say(room, 'before');
    await peer.hears(1);
    await peer.down();
    for (const word of words(20)) {
      await installation.say(room, `${word} here`);
      await installation.say(second, `${word} there`);
    }
    await isFailing();
    await peer.up();
    const missed = words(20).flatMap((word) => [`${word} here`, `${word} there`]);
    expect(await peer.hears(41)).toEqual(['before', ...missed]);
    await until('success', async () => (await installation.destination(peer))?.failing_since === null);
    expect(await installation.destination(peer)).toMatchObject({ retry_at: null, retry_interval_ms: null });
    await installation.say(room, 'after');
    expect((await peer.hears(42)).at(-1)).toBe('after');
  });

  it('sends only the newest event of a room in which more than 50 were missed', async () => {
    const bob = peer.user('bob');
    const [busy, quiet] = [await installation.room(bob), await installation.room(bob)];
    await installation.say(busy, 'before');
    await peer.hears(1);
    await peer.down();
    await installation.write(busy, async (rows) => {
      for (const word of words(51)) await rows.message(ALICE, word);
    });
    await installation.say(quiet, 'quiet');
    await isFailing();
    await peer.up();
    expect(await peer.hears(3)).toEqual(['before', 'w51', 'quiet']);
    await installation.say(busy, 'after');
    expect(await peer.hears(4)).toEqual(['before', 'w51', 'quiet', 'after']);
  });

  it('sends nothing, when it is back, from the time in which it was not in the room', async () => {
    const bob = peer.user('bob');
    const room = await installation.room(bob);
    await installation.say(room, 'before');
    await peer.hears(1);
    await peer.down();
    await installation.say(room, 'missed');
    await isFailing();
    await installation.write(room, (rows) => rows.member(bob, 'leave', ALICE, { body: 'kicked' }));
    await installation.say(room, 'secret');
    await installation.write(room, (rows) => rows.member(bob, 'join'));
    await installation.say(room, 'again in');
    await peer.up();
    await peer.hears(2);
    await sleep(500);
    expect(peer.heard()).toEqual(['before', 'again in']);
  });

  it('repeats a transaction under the same id', async () => {
    peer.answer = () => ({ status: 500, body: {} });
    const room = await installation.room(peer.user('bob'));
    await installation.say(room, 'once');
    await until('second try', () => peer.received.length === 2);
    const [first, second] = peer.received;
    expect(second?.path).toBe(first?.path);
    expect(second?.body.pdus).toEqual(first?.body.pdus);
  });

  it.each([400, 404, 502])('loses nothing when it answers %d', async (status) => {
    peer.answer = () => ({ status, body: { errcode: 'M_UNKNOWN' } });
    const room = await installation.room(peer.user('bob'));
    await installation.say(room, 'refused');
    await isFailing();
    peer.answer = () => ({ status: 200, body: { pdus: {} } });
    await until('success', async () => (await installation.destination(peer))?.failing_since === null);
  });

  it('does not send again what the peer did not like of a transaction', async () => {
    peer.answer = () => ({ status: 200, body: { pdus: { $event: { error: 'No' } } } });
    const room = await installation.room(peer.user('bob'));
    await installation.say(room, 'disliked', 'more');
    await peer.hears(2);
    await sleep(300);
    expect(peer.received.flatMap(({ body }) => body.pdus)).toHaveLength(2);
  });

  it('waits as long as a peer that limits the rate asks for', async () => {
    peer.answer = () => ({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 600_000 } });
    const room = await installation.room(peer.user('bob'));
    const began = Date.now();
    await installation.say(room, 'too much');
    await isFailing();
    const { retry_at } = (await installation.destination(peer)) ?? {};
    expect(Number(retry_at) - began).toBeGreaterThanOrEqual(600_000);
    expect(Number(retry_at) - Date.now()).toBeLessThanOrEqual(600_000);
  });

  describe('for a long time', () => {
    let room: Awaited<ReturnType<SenderInstallation['room']>>;

    beforeEach(async () => {
      peer.answer = () => ({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 600_000 } });
      room = await installation.room(peer.user('bob'));
      await installation.say(room, 'missed');
      await isFailing();
      peer.answer = () => ({ status: 200, body: { pdus: {} } });
      peer.received.length = 0;
    });

    it('keeps its back-off over a restart, and whatever else there is for it', async () => {
      await installation.stopSenders();
      await installation.startSender();
      await installation.say(room, 'more');
      await sleep(2_500);
      expect(peer.heard()).toEqual([]);
    });

    it('tries it at once when it was heard from', async () => {
      await clearBackOff(installation.database.db, peer.name);
      installation.announce(DestinationReachable, { destination: peer.name });
      expect(await peer.hears(1)).toEqual(['missed']);
    });

    it('finds out by itself that the back-off was cleared', async () => {
      await clearBackOff(installation.database.db, peer.name);
      expect(await peer.hears(1)).toEqual(['missed']);
    });
  });

  describe('among many that hang', () => {
    const servers: Server[] = [];
    const sockets: Socket[] = [];

    afterEach(async () => {
      for (const socket of sockets.splice(0)) socket.destroy();
      for (const server of servers.splice(0)) {
        server.close();
        await once(server, 'close');
      }
    });

    /** Takes connections and says nothing. */
    async function hangingUser(): Promise<UserId> {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        sockets.push(socket);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      servers.push(server);
      return `@dead:localhost:${(server.address() as AddressInfo).port}` as UserId;
    }

    it('does not keep the living waiting', async () => {
      // More than may be tried at once.
      const dead = await Promise.all(Array.from({ length: 100 }, hangingUser));
      const room = await installation.room(...dead);
      await installation.say(room, 'for the dead');
      await until('connections', () => sockets.length >= 64);
      const another = await installation.room(peer.user('bob'));
      await installation.say(another, 'for the living');
      await peer.hears(1);
      const { failing } = await installation.database.db
        .selectFrom('destinations')
        .select(({ fn }) => fn.count<number>('failing_since').as('failing'))
        .executeTakeFirstOrThrow();
      // None of the dead has made room by its time-out.
      expect(failing).toBe(0);
    });
  });
});
