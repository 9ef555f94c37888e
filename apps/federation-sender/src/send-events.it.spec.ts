import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Peer, until } from './peer.spec-support.js';
import { ALICE, OWN_NAME, SenderInstallation, words } from './sender-installation.spec-support.js';

describe('the federation sender', () => {
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

  it('sends what local users say to every server in the room, signed, once, in order', async () => {
    const room = await installation.room(peer.user('bob'), other.user('carol'), peer.user('bill'));
    await installation.say(room, ...words(20));
    expect(await peer.hears(20)).toEqual(words(20));
    expect(await other.hears(20)).toEqual(words(20));
    const [first] = peer.received;
    expect(first?.path).toMatch(/^\/_matrix\/federation\/v1\/send\/[A-Za-z0-9_-]{43}$/);
    expect(first?.authorization).toMatch(
      new RegExp(`^X-Matrix origin="${OWN_NAME}",destination="${peer.name}"`),
    );
    expect(first?.body).toMatchObject({ origin: OWN_NAME, edus: [] });
    expect(peer.received.flatMap(({ body }) => body.pdus)).toHaveLength(20);
    expect(peer.most).toBe(1);
  });

  it('soon says for all partitions how far it has read, though what it read was for nobody', async () => {
    const room = await installation.room();
    const { position } = await installation.write(room, (rows) => rows.message(ALICE, 'alone'));
    await until('cursor behind it for every partition', async () => {
      const cursors = await installation.database.db.selectFrom('sender_cursors').selectAll().execute();
      return cursors.length === 16 && cursors.every((cursor) => cursor.position >= position);
    });
  });

  it('sends at most 50 events at a time', async () => {
    const room = await installation.room(peer.user('bob'));
    await installation.write(room, async (rows) => {
      for (const word of words(120)) await rows.message(ALICE, word);
    });
    expect(await peer.hears(120)).toEqual(words(120));
    const sizes = peer.received.map(({ body }) => body.pdus.length);
    expect(Math.max(...sizes)).toBe(50);
    expect(new Set(peer.received.map(({ path }) => path)).size).toBe(sizes.length);
  });

  it('keeps numbers as they came, and sends no unsigned part', async () => {
    const room = await installation.room(peer.user('bob'));
    const text =
      '{"auth_events":[],"content":{"body":"exact","n":1.0,"big":12345678901234567890},"depth":1,"hashes":{},"origin_server_ts":1,' +
      `"prev_events":[],"room_id":"${room.roomId}","sender":"${ALICE}","signatures":{},"type":"m.room.message","unsigned":{"age":4}}`;
    await installation.write(room, (rows) => rows.event({ type: 'm.room.message', sender: ALICE, text }));
    await peer.hears(1);
    expect(peer.received[0]?.text).toContain('"content":{"big":12345678901234567890,"body":"exact","n":1.0}');
    expect(peer.received[0]?.text).not.toContain('unsigned');
  });

  it('sends nothing of other servers, but what they did by way of this one to the rest of the room', async () => {
    const room = await installation.room(peer.user('bob'), other.user('carol'));
    const dave = peer.user('dave');
    await installation.write(room, (rows) => rows.message(peer.user('bob'), 'said elsewhere'));
    await installation.write(room, async (rows) => {
      const joined = await rows.member(dave, 'join', dave, { body: 'forwarded' });
      await installation.database.db
        .insertInto('forwarded_events')
        .values({ event_nid: joined.eventNid })
        .execute();
    });
    await installation.say(room, 'last');
    expect(await other.hears(2)).toEqual(['forwarded', 'last']);
    expect(await peer.hears(1)).toEqual(['last']);
  });

  it('lets the server of a kicked user hear of it, and of nothing later', async () => {
    const bob = peer.user('bob');
    const room = await installation.room(bob, other.user('carol'));
    await installation.say(room, 'before');
    await installation.write(room, (rows) => rows.member(bob, 'leave', ALICE, { body: 'kicked' }));
    await installation.say(room, 'after');
    expect(await other.hears(3)).toEqual(['before', 'kicked', 'after']);
    await sleep(200);
    expect(peer.heard()).toEqual(['before', 'kicked']);
  });

  it('goes on sending to a server that has another user in the room', async () => {
    const bob = peer.user('bob');
    const room = await installation.room(bob, peer.user('bill'));
    await installation.say(room, 'before');
    await installation.write(room, (rows) => rows.member(bob, 'leave', ALICE, { body: 'kicked' }));
    await installation.say(room, 'after');
    expect(await peer.hears(3)).toEqual(['before', 'kicked', 'after']);
  });

  it('tells the server of an invited user that the invite is taken back', async () => {
    const bob = peer.user('bob');
    const room = await installation.room(other.user('carol'));
    await installation.write(room, (rows) => rows.member(bob, 'invite', ALICE, { body: 'invited' }));
    await installation.say(room, 'not for bob');
    await installation.write(room, (rows) => rows.member(bob, 'leave', ALICE, { body: 'taken back' }));
    expect(await other.hears(3)).toEqual(['invited', 'not for bob', 'taken back']);
    expect(await peer.hears(1)).toEqual(['taken back']);
  });

  it('sends nothing older to a server that joins', async () => {
    const room = await installation.room(other.user('carol'));
    await installation.say(room, 'old');
    await other.hears(1);
    await installation.write(room, (rows) => rows.member(peer.user('bob'), 'join'));
    await installation.say(room, 'new');
    expect(await peer.hears(1)).toEqual(['new']);
  });

  it('sends nothing to a server that the ACL denies, from behind the ACL on', async () => {
    const room = await installation.room(peer.user('bob'));
    await installation.say(room, 'before');
    await installation.write(room, (rows) =>
      rows.state('m.room.server_acl', ALICE, { allow: ['*'], deny: ['localhost'], body: 'acl' }),
    );
    await installation.say(room, 'after');
    await until('row', async () => {
      const last = await installation.destination(peer);
      return last !== undefined && peer.heard().length === 2;
    });
    await sleep(200);
    expect(peer.heard()).toEqual(['before', 'acl']);
    await installation.write(room, (rows) =>
      rows.state('m.room.server_acl', ALICE, { allow: ['*'], body: 'open again' }),
    );
    await installation.say(room, 'allowed');
    expect(await peer.hears(3)).toEqual(['before', 'acl', 'allowed']);
  });

  it('does not bring to the room what this server did by way of another', async () => {
    const room = await installation.room(peer.user('bob'));
    await installation.write(room, (rows) => rows.member(ALICE, 'leave', ALICE, { body: 'left' }));
    await installation.write(room, (rows) => rows.member(ALICE, 'join', ALICE, { body: 'joined elsewhere' }));
    await installation.say(room, 'back');
    expect(await peer.hears(2)).toEqual(['left', 'back']);
  });

  it('follows the members of a large room', async () => {
    const members = Array.from({ length: 300 }, (_, index) => peer.user(`user${index}`));
    const room = await installation.room(...members);
    await installation.say(room, 'many');
    for (const member of members.slice(1))
      await installation.write(room, (rows) => rows.member(member, 'leave'));
    await installation.say(room, 'one');
    await installation.write(room, (rows) => rows.member(peer.user('user0'), 'leave'));
    await installation.write(room, (rows) => rows.member(other.user('carol'), 'join'));
    await installation.say(room, 'none');
    expect(await other.hears(1)).toEqual(['none']);
    expect(peer.heard()).toEqual(['many', 'one']);
  }, 120_000);
});
