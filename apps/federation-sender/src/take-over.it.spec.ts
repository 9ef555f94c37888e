import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PartitionReader } from '@atoll/database';
import { type Peer, until } from './peer.spec-support.js';
import { SenderInstallation, words } from './sender-installation.spec-support.js';

describe('federation senders', () => {
  let installation: SenderInstallation;
  let peers: Peer[];

  beforeEach(async () => {
    installation = await SenderInstallation.open();
    peers = await Promise.all(Array.from({ length: 6 }, () => installation.peer()));
  });
  afterEach(() => installation.close());

  const room = () => installation.room(...peers.map((peer) => peer.user('bob')));
  const ownersBecome = (count: number) =>
    until(`${count} owners`, async () => {
      const owners = await new PartitionReader(installation.database).owners();
      return owners.length === count && owners.every(({ owner }) => owner !== null);
    });

  it('go on after a restart where they were', async () => {
    const everywhere = await room();
    await installation.startSender();
    await installation.say(everywhere, ...words(3));
    for (const peer of peers) await peer.hears(3);
    await installation.stopSenders();
    await installation.say(everywhere, 'w4', 'w5');
    await installation.startSender();
    await installation.say(everywhere, 'w6');
    for (const peer of peers) {
      expect(await peer.hears(6)).toEqual(words(6));
      expect(peer.received.flatMap(({ body }) => body.pdus)).toHaveLength(6);
    }
  });

  it('share the destinations, and take over those of one that goes, without losing or repeating anything', async () => {
    const everywhere = await room();
    await installation.startSender('1');
    await installation.startSender('2');
    await ownersBecome(2);
    await installation.say(everywhere, ...words(5));
    const writing = installation.say(everywhere, ...words(30, 'x'));
    await installation.stopSenders(['1']);
    await writing;
    await ownersBecome(1);
    await installation.say(everywhere, 'last');
    for (const peer of peers) {
      expect(await peer.hears(36)).toEqual([...words(5), ...words(30, 'x'), 'last']);
      expect(peer.received.flatMap(({ body }) => body.pdus)).toHaveLength(36);
    }
  });

  it('stop sending when their partitions are taken from them', async () => {
    const everywhere = await room();
    await installation.startSender('1');
    await installation.say(everywhere, 'first');
    for (const peer of peers) await peer.hears(1);
    // As if this one had been away for longer than its lease.
    await installation.database.db
      .updateTable('partitions')
      .set((eb) => ({ owner: 'somebody', epoch: eb('epoch', '+', 1) }))
      .execute();
    await installation.database.db
      .insertInto('members')
      .values({
        kind: 'federation-sender',
        instance: 'somebody',
        expires_at: new Date(Date.now() + 60_000),
        leaving: false,
      })
      .execute();
    await installation.say(everywhere, 'second');
    await until('loss', async () => {
      const owners = await new PartitionReader(installation.database).owners();
      return owners.every(({ owner }) => owner === 'somebody');
    });
    await installation.say(everywhere, 'third');
    expect(peers.map((peer) => peer.heard())).toEqual(peers.map(() => ['first']));
    await installation.database.db.deleteFrom('members').where('instance', '=', 'somebody').execute();
    for (const peer of peers) expect(await peer.hears(3)).toEqual(['first', 'second', 'third']);
  });
});
