import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { partitionOf, ToDeviceChanged } from '@atoll/contract';
import { commitInLanes, KnownWaiting, type OutgoingEdu, ToDeviceTransactor } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import { type Peer, until } from './peer.spec-support.js';
import { ALICE, SenderInstallation, words } from './sender-installation.spec-support.js';

describe('messages to devices of another server', () => {
  let installation: SenderInstallation;
  let peer: Peer;
  let sent = 0;

  beforeEach(async () => {
    installation = await SenderInstallation.open();
    peer = await installation.peer();
    await installation.startSender();
  });
  afterEach(() => installation.close());

  /** In one commit, as client-api writes them. */
  async function send(contents: readonly string[], announced = true): Promise<void> {
    const outgoing = contents.map((word): OutgoingEdu => {
      const messages = { [peer.user('bob')]: { '*': { word } } };
      const content = JSON.stringify({ sender: ALICE, type: 'm.test', message_id: word, messages });
      return { destination: peer.name, partition: partitionOf(peer.name, 16), content };
    });
    const request = { sender: ALICE, type: 'm.test', local: new Map(), whenFull: 'remember' as const };
    await commitInLanes(installation.database.db, (trx, closing) =>
      new ToDeviceTransactor(trx, closing, new KnownWaiting()).send([
        { ...request, key: `request ${(sent += 1)}`, outgoing },
      ]),
    );
    if (announced) installation.announce(ToDeviceChanged, { position: 0 });
  }

  /** Those that were acknowledged, in the order of arrival. */
  const arrived = () =>
    peer.received
      .filter((transaction) => acknowledged.has(transaction))
      .flatMap(({ body }) => body.edus as { edu_type: string; content: JsonObject }[])
      .filter(({ edu_type }) => edu_type === 'm.direct_to_device')
      .map(({ content }) => content['message_id']);
  let acknowledged: Set<unknown>;
  beforeEach(() => {
    acknowledged = new Set();
    peer.answer = (transaction) => {
      acknowledged.add(transaction);
      return { status: 200, body: { pdus: {} } };
    };
  });
  const waiting = async () =>
    (await installation.database.db.selectFrom('outgoing_to_device').select('edu_nid').execute()).length;
  const untilArrived = async (count: number) => {
    await until(`${count} messages`, () => arrived().length >= count, arrived);
    await until('empty queue', async () => (await waiting()) === 0);
  };

  it('are sent in order, at most 100 in a transaction, and forgotten when they are acknowledged', async () => {
    await send(words(250));
    await untilArrived(250);
    expect(arrived()).toEqual(words(250));
    for (const { body } of peer.received) expect(body.edus.length).toBeLessThanOrEqual(100);
    expect(peer.received[0]?.body.edus[0]).toEqual({
      edu_type: 'm.direct_to_device',
      content: {
        ...{ sender: ALICE, type: 'm.test', message_id: 'w1' },
        messages: { [peer.user('bob')]: { '*': { word: 'w1' } } },
      },
    });
  });

  it('are found without an announcement', async () => {
    await send(['unannounced'], false);
    await untilArrived(1);
  });

  it('survive an outage of the peer and a restart of the sender, in order and before what comes later', async () => {
    await peer.down();
    await send(words(60, 'a'));
    await send(words(60, 'b'));
    await until('failure', async () => typeof (await installation.destination(peer))?.retry_at === 'number');
    await installation.stopSenders();
    await send(words(10, 'c'));
    await peer.up();
    await installation.startSender('2');
    await untilArrived(130);
    expect(arrived()).toEqual([...words(60, 'a'), ...words(60, 'b'), ...words(10, 'c')]);
    await until('success', async () => (await installation.destination(peer))?.failing_since === null);
  });

  it('are repeated under the same transaction id until they are acknowledged', async () => {
    peer.answer = () => ({ status: 500, body: {} });
    await send(words(3));
    await until('second try', () => peer.received.length >= 2);
    const [first, second] = peer.received;
    expect(second?.path).toBe(first?.path);
    expect(second?.body.edus).toEqual(first?.body.edus);
    expect(await waiting()).toBe(3);
  });

  it('go with the events that are owed', async () => {
    const room = await installation.room(peer.user('bob'));
    await peer.down();
    await send(['key']);
    await installation.say(room, 'encrypted');
    await until('failure', async () => typeof (await installation.destination(peer))?.retry_at === 'number');
    await peer.up();
    await untilArrived(1);
    await peer.hears(1);
    const withKey = peer.received.findIndex(({ body }) => body.edus.length > 0);
    const withEvent = peer.received.findIndex(({ body }) => body.pdus.length > 0);
    expect(withKey).toBeLessThanOrEqual(withEvent);
  });
});
