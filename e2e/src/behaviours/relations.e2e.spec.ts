import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { path, query, type TestUser } from '@atoll/testing';
import { ids, newUsers, outcome } from '../users.js';
import { bundleIn, type Content, ignore, type Parameters, RelatingRoom } from './relating-room.js';

let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
beforeAll(async () => {
  [alice, bob, carol] = (await newUsers('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser];
});

let room: RelatingRoom;
beforeEach(async () => {
  room = new RelatingRoom(await alice.createRoom({ preset: 'public_chat' }));
  await bob.join(room.id);
});

describe('children of an event (behaviour 34)', () => {
  let root: string;
  beforeEach(async () => {
    root = await alice.send(room.id, 'root');
  });

  test('come the newest first, or in order', async () => {
    const said = [
      await room.reply(bob, root),
      await room.react(bob, root, '👍'),
      await room.relate(alice, root, 'm.reference'),
    ];
    expect(ids((await room.relations(alice, root)).chunk)).toEqual(said.toReversed());
    expect(ids((await room.relations(alice, root, '', { dir: 'b' })).chunk)).toEqual(said.toReversed());
    expect(ids((await room.relations(alice, root, '', { dir: 'f' })).chunk)).toEqual(said);
  });

  test('are chosen by relationship and type', async () => {
    const [text, emote] = [
      await room.reply(bob, root),
      await room.relate(bob, root, 'm.thread', {}, 'org.example.emote'),
    ];
    await room.react(bob, root, '👍');
    expect(ids((await room.relations(alice, root, '/m.thread')).chunk)).toEqual([emote, text]);
    expect(ids((await room.relations(alice, root, '/m.thread/m.room.message')).chunk)).toEqual([text]);
    expect((await room.relations(alice, root, '/org.example.none')).chunk).toEqual([]);
    expect((await room.relations(alice, root, '/m.thread/org.example.none')).chunk).toEqual([]);
  });

  test.each(['b', 'f'])('come in pages (%s)', async (dir) => {
    const said: string[] = [];
    for (let n = 0; n < 5; n += 1) said.push(await room.reply(bob, root, `reply ${n}`));
    const pages: string[][] = [];
    let from: string | undefined;
    do {
      const page = await room.relations(alice, root, '/m.thread', { dir, limit: 2, from });
      pages.push(ids(page.chunk));
      expect(page['prev_batch']).toBe(from);
      from = page['next_batch'] as string | undefined;
    } while (from !== undefined);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(dir === 'b' ? said.toReversed() : said);
  });

  test('start and end at tokens of sync and of messages', async () => {
    const first = await room.reply(bob, root);
    const { next_batch: token } = await alice.sync();
    const second = await room.reply(bob, root);
    expect(ids((await room.relations(alice, root, '', { from: token })).chunk)).toEqual([first]);
    expect(ids((await room.relations(alice, root, '', { to: token })).chunk)).toEqual([second]);
    expect(ids((await room.relations(alice, root, '', { from: token, dir: 'f' })).chunk)).toEqual([second]);
    const { start } = await alice.expect('GET', path`/v3/rooms/${room.id}/messages` + query({ dir: 'b' }));
    expect(ids((await room.relations(alice, root, '', { from: start })).chunk)).toEqual([second, first]);
  });

  test('come with their own children where asked for', async () => {
    const answer = await room.reply(bob, root);
    const reaction = await room.react(alice, answer, '👍');
    const edited = await room.edit(bob, answer, 'better');
    const direct = await room.relations(alice, root);
    expect(ids(direct.chunk)).toEqual([answer]);
    expect(direct).not.toHaveProperty('recursion_depth');
    const deep = await room.relations(alice, root, '', { recurse: true });
    expect(ids(deep.chunk)).toEqual([edited, reaction, answer]);
    expect(deep['recursion_depth']).toBeGreaterThanOrEqual(3);
    expect(ids((await room.relations(alice, root, '/m.thread', { recurse: true })).chunk)).toEqual([answer]);
    expect(bundleIn(deep.chunk?.at(-1))?.['m.replace']?.event_id).toBe(edited);
  });

  test('are gone when they are redacted; those of a redacted parent are not', async () => {
    const [first, second] = [await room.reply(bob, root), await room.reply(bob, root)];
    await bob.redact(room.id, second);
    await alice.redact(room.id, root);
    expect(ids((await room.relations(alice, root)).chunk)).toEqual([first]);
  });

  test('of ignored users are left out', async () => {
    const [kept] = [await room.reply(alice, root), await room.reply(bob, root)];
    const [dave] = (await newUsers('dave')) as [TestUser];
    await dave.join(room.id);
    await ignore(dave, bob);
    expect(ids((await room.relations(dave, root)).chunk)).toEqual([kept]);
  });

  test('are only for those who may see them and their parent', async () => {
    room = new RelatingRoom(
      await alice.createRoom({
        preset: 'public_chat',
        initial_state: [
          { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } },
        ],
      }),
    );
    const hidden = await alice.send(room.id, 'hidden');
    await bob.join(room.id);
    const shown = await alice.send(room.id, 'shown');
    const first = await room.reply(alice, shown);
    await bob.leave(room.id);
    await room.reply(alice, shown);
    await bob.join(room.id);
    await room.reply(alice, hidden);
    expect(ids((await room.relations(bob, shown)).chunk)).toEqual([first]);
    expect((await room.bundleOf(bob, shown))?.['m.thread']).toMatchObject({
      count: 1,
      latest_event: { event_id: first },
    });
    for (const who of [bob, carol]) {
      expect(outcome(await who.request('GET', room.relationsPath(hidden)))).toBe('404 M_NOT_FOUND');
    }
    expect(ids((await room.threads(bob)).chunk)).toEqual([shown]);
    expect(outcome(await carol.request('GET', path`/v1/rooms/${room.id}/threads`))).toBe('403 M_FORBIDDEN');
  });

  test('of unknown events and of other rooms are not found', async () => {
    const other = await alice.createRoom();
    const elsewhere = await alice.send(other, 'elsewhere');
    for (const event of ['$unknown', elsewhere]) {
      expect(outcome(await alice.request('GET', room.relationsPath(event)))).toBe('404 M_NOT_FOUND');
    }
  });

  test.each<[string, Parameters]>([
    ['from', { from: 'nonsense' }],
    ['to', { to: 'nonsense' }],
    ['dir', { dir: 'up' }],
    ['limit', { limit: 'many' }],
    ['recurse', { recurse: 'perhaps' }],
  ])('want a valid %s', async (_name, parameters) => {
    const answer = await alice.request('GET', room.relationsPath(root, '', parameters));
    expect(outcome(answer)).toBe('400 M_INVALID_PARAM');
  });

  test('are for users only', async () => {
    const answer = await alice.request('GET', room.relationsPath(root), undefined, { token: '' });
    expect(answer.status).toBe(401);
  });

  test('whose relation is no relation are none', async () => {
    const broken: Content[] = [
      { event_id: root },
      { rel_type: 1, event_id: root },
      { rel_type: '\0', event_id: root },
    ];
    for (const relation of broken) {
      await bob.sendEvent(room.id, 'm.room.message', {
        body: 'x',
        msgtype: 'm.text',
        'm.relates_to': relation,
      });
    }
    const quoted = `$it's \\ "quoted"`;
    await bob.sendEvent(room.id, 'm.room.message', {
      body: 'x',
      msgtype: 'm.text',
      'm.relates_to': { rel_type: "o'rel", event_id: quoted },
    });
    expect((await room.relations(alice, root)).chunk).toEqual([]);
  });
});

describe('an edit', () => {
  let original: string;
  beforeEach(async () => {
    original = await alice.send(room.id, 'original');
  });

  test('is bundled, the most recent of them; the content stays', async () => {
    await room.edit(alice, original, 'first');
    const second = await room.edit(alice, original, 'second');
    const event = await bob.expect('GET', path`/v3/rooms/${room.id}/event/${original}`);
    expect(event['content']).toMatchObject({ body: 'original' });
    expect((await room.bundleOf(bob, original))?.['m.replace']).toMatchObject({
      event_id: second,
      sender: alice.userId,
      room_id: room.id,
      content: { 'm.new_content': { body: 'second' } },
    });
  });

  test('by somebody else, of another type, or without new content is not', async () => {
    await room.edit(bob, original, 'forged');
    await room.relate(alice, original, 'm.replace', { 'm.new_content': { body: 'x' } }, 'm.sticker');
    await room.relate(alice, original, 'm.replace');
    expect(await room.bundleOf(bob, original)).toBeUndefined();
  });

  test('of an edit is none', async () => {
    const first = await room.edit(alice, original, 'first');
    await room.edit(alice, first, 'second');
    expect(await room.bundleOf(bob, first)).toBeUndefined();
    expect((await room.bundleOf(bob, original))?.['m.replace']?.event_id).toBe(first);
  });

  test('that is redacted gives way to the one before it', async () => {
    const first = await room.edit(alice, original, 'first');
    const second = await room.edit(alice, original, 'second');
    await alice.redact(room.id, second);
    expect((await room.bundleOf(bob, original))?.['m.replace']?.event_id).toBe(first);
    await alice.redact(room.id, first);
    expect(await room.bundleOf(bob, original)).toBeUndefined();
  });

  test('of a redacted event is not bundled', async () => {
    await room.edit(alice, original, 'first');
    await alice.redact(room.id, original);
    expect(await room.bundleOf(bob, original)).toBeUndefined();
  });

  test('of an encrypted event is bundled by what stands in clear', async () => {
    const cipher = { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x', session_id: 'x' };
    const encrypted = await alice.sendEvent(room.id, 'm.room.encrypted', cipher);
    const changed = await alice.sendEvent(room.id, 'm.room.encrypted', {
      ...cipher,
      'm.relates_to': { rel_type: 'm.replace', event_id: encrypted },
    });
    expect((await room.bundleOf(bob, encrypted))?.['m.replace']?.event_id).toBe(changed);
  });
});

describe('references and annotations', () => {
  test('references are listed, annotations are not', async () => {
    const event = await alice.send(room.id, 'event');
    await room.react(bob, event, '👍');
    expect(await room.bundleOf(alice, event)).toBeUndefined();
    const said = [
      await room.relate(bob, event, 'm.reference'),
      await room.relate(alice, event, 'm.reference'),
    ];
    const chunk = said.map((event_id) => ({ event_id }));
    expect(await room.bundleOf(alice, event)).toEqual({ 'm.reference': { chunk } });
  });

  test('the same annotation twice is refused, until the first is redacted', async () => {
    const event = await alice.send(room.id, 'event');
    const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key: '👍' } };
    const send = (who: TestUser, transaction: string, more: Content = content) =>
      who.request('PUT', path`/v3/rooms/${room.id}/send/m.reaction/${transaction}`, more);
    const first = await send(bob, 'one');
    expect(first.status).toBe(200);
    expect((await send(bob, 'one')).body).toEqual(first.body);
    expect(outcome(await send(bob, 'two'))).toBe('400 M_DUPLICATE_ANNOTATION');
    expect(outcome(await send(alice, 'one'))).toBe('200');
    const other = { 'm.relates_to': { ...content['m.relates_to'], key: '👎' } };
    expect(outcome(await send(bob, 'three', other))).toBe('200');
    await bob.redact(room.id, first.body.event_id ?? '');
    expect(outcome(await send(bob, 'four'))).toBe('200');
  });

  test('who is not in the room is told nothing else', async () => {
    const event = await alice.send(room.id, 'event');
    const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key: '👍' } };
    const answer = await carol.request('PUT', path`/v3/rooms/${room.id}/send/m.reaction/t`, content);
    expect(outcome(answer)).toBe('403 M_FORBIDDEN');
  });
});
