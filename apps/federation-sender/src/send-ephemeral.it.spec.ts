import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ReceiptsChanged, TypingChanged } from '@atoll/contract';
import { commitInLanes, type NewReceipt, ReceiptTransactor, TypingTransactor } from '@atoll/database';
import type { RoomRows } from '@atoll/database/testing';
import type { EventId, JsonObject, UserId } from '@atoll/matrix';
import { type Peer, until } from './peer.spec-support.js';
import { ALICE, SenderInstallation } from './sender-installation.spec-support.js';

describe('what is in no timeline', () => {
  let installation: SenderInstallation;
  let peer: Peer;
  let other: Peer;

  beforeAll(async () => {
    installation = await SenderInstallation.open();
    await installation.startSender();
  });
  beforeEach(async () => {
    peer = await installation.peer();
    other = await installation.peer();
  });
  afterAll(() => installation.close());

  const edusAt = ({ received }: Peer) => received.flatMap(({ body }) => body.edus as JsonObject[]);

  async function type(room: RoomRows, userId: UserId, isTyping = true): Promise<void> {
    const until = isTyping ? Date.now() + 60_000 : undefined;
    await commitInLanes(installation.database.db, (trx, closing) =>
      new TypingTransactor(trx, closing).set([{ roomNid: room.roomNid, userId, until }], Date.now()),
    );
    installation.announce(TypingChanged, { position: 0 });
  }

  async function read(room: RoomRows, receipt: Partial<NewReceipt> = {}): Promise<void> {
    await commitInLanes(installation.database.db, (trx, closing) =>
      new ReceiptTransactor(trx, closing).put([
        {
          ...{ roomNid: room.roomNid, userId: ALICE, type: 'm.read', threadId: '' },
          ...{ eventId: '$read' as EventId, eventPosition: null, ts: 1 },
          ...receipt,
        },
      ]),
    );
    installation.announce(ReceiptsChanged, { position: 0 });
  }

  it('tells the servers in the room who of this server types, and has stopped', async () => {
    const room = await installation.room(peer.user('bob'));
    await type(room, peer.user('bob'));
    await type(room, ALICE);
    await until('typing', () => JSON.stringify(edusAt(peer)).includes('"typing":true'));
    await type(room, ALICE, false);
    const edu = (typing: boolean) => ({
      edu_type: 'm.typing',
      content: { room_id: room.roomId, user_id: ALICE, typing },
    });
    await until('end of typing', () => JSON.stringify(edusAt(peer)).includes('"typing":false'));
    expect(edusAt(peer).at(-1)).toEqual(edu(false));
    expect(edusAt(peer).every((one) => JSON.stringify(one).includes(ALICE))).toBe(true);
    expect(other.received).toEqual([]);
  });

  it('tells public receipts of this server, those of threads too', async () => {
    const room = await installation.room(peer.user('bob'));
    await read(room, { type: 'm.read.private', eventId: '$private' as EventId });
    await read(room, { userId: peer.user('bob'), eventId: '$theirs' as EventId });
    await read(room, { eventId: '$mine' as EventId });
    await read(room, { eventId: '$thread' as EventId, threadId: 'main' });
    await until('receipts', () => JSON.stringify(edusAt(peer)).includes('$thread'));
    const said = JSON.stringify(edusAt(peer));
    expect(edusAt(peer)[0]).toMatchObject({
      edu_type: 'm.receipt',
      content: { [room.roomId]: { 'm.read': { [ALICE]: { event_ids: ['$mine'] } } } },
    });
    expect(said).not.toContain('$private');
    expect(said).not.toContain('$theirs');
    expect(other.received).toEqual([]);
  });

  it('goes with the events that are owed, and loses none of them', async () => {
    const room = await installation.room(peer.user('bob'));
    await installation.say(room, 'one');
    await peer.hears(1);
    await peer.down();
    await installation.say(room, 'two');
    await until('failure', async () => (await installation.destination(peer))?.failing_since !== null);
    await read(room, { eventId: '$lost' as EventId });
    await peer.up();
    expect(await peer.hears(2)).toEqual(['one', 'two']);
    await read(room, { eventId: '$found' as EventId, ts: 2 });
    await until('a receipt', () => JSON.stringify(edusAt(peer)).includes('$found'));
    expect(peer.heard()).toEqual(['one', 'two']);
  });

  it('is not sent to servers that the server ACL denies', async () => {
    const room = await installation.room(peer.user('bob'), other.user('carol'));
    await installation.write(room, (rows) =>
      rows.state('m.room.server_acl', ALICE, { allow: ['*'], deny: ['nobody'] }),
    );
    await type(room, ALICE);
    await until('typing', () => edusAt(peer).length > 0 && edusAt(other).length > 0);
    const [name = ''] = peer.name.split(':');
    await installation.write(room, (rows) => rows.state('m.room.server_acl', ALICE, { deny: [name] }));
    await installation.say(room, 'for nobody');
    const before = edusAt(peer).length;
    await read(room, { eventId: '$unheard' as EventId });
    const elsewhere = await installation.room(peer.user('bob'));
    await type(elsewhere, ALICE);
    await until('typing elsewhere', () => edusAt(peer).length > before);
    expect(JSON.stringify(edusAt(peer))).not.toContain('$unheard');
  });
});
