import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  path,
  query,
  register,
  RemoteServer,
  startFederation,
  uniqueName,
  type ClientEvent,
  type FederatedServer,
  type Federation,
  type TestUser,
} from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { ids, outcome, texts, types } from '../users.js';
import { commonState, saidIn } from './across.js';
import { eventually } from './eventually.js';

let federation: Federation;
let here: FederatedServer;
let there: FederatedServer;
/** Decides in which order its events come. */
let scripted: RemoteServer;
/** Of the first server, and of the second one. */
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  scripted = await RemoteServer.start();
  const trusted = [scripted.certificateFile];
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings, trusted });
  [here, there] = federation.servers as [FederatedServer, FederatedServer];
  alice = await register(here.clientUrl, 'alice');
  bob = await register(there.clientUrl, 'bob');
}, 90_000);
afterAll(async () => {
  await federation.stop();
  await scripted.stop();
});

/** A public room of the first server that both are in. */
async function sharedRoom(options: Record<string, unknown> = {}): Promise<string> {
  const roomId = await alice.createRoom({ preset: 'public_chat', ...options });
  await bob.expect('POST', path`/v3/join/${roomId}` + `?via=${here.serverName}`, {});
  return roomId;
}

describe('aliases of another server', () => {
  const resolve = (user: TestUser, alias: string) => user.request('GET', path`/v3/directory/room/${alias}`);

  test('lead into its rooms until they are deleted', async () => {
    const roomId = await sharedRoom();
    const alias = `#${uniqueName('talk')}:${there.serverName}`;
    expect(outcome(await resolve(alice, alias))).toBe('404 M_NOT_FOUND');
    await bob.expect('PUT', path`/v3/directory/room/${alias}`, { room_id: roomId });
    const found = await resolve(alice, alias);
    expect(found.body.room_id).toBe(roomId);
    expect(found.body['servers']).toContain(there.serverName);
    const carol = await register(here.clientUrl, 'carol');
    expect(await carol.join(alias)).toBe(roomId);

    expect(outcome(await alice.request('DELETE', path`/v3/directory/room/${alias}`))).toBe('404 M_NOT_FOUND');
    expect((await resolve(bob, alias)).status).toBe(200);
    await bob.expect('DELETE', path`/v3/directory/room/${alias}`);
    expect(outcome(await resolve(alice, alias))).toBe('404 M_NOT_FOUND');
  });

  test('are made by its own users alone', async () => {
    const roomId = await sharedRoom();
    const alias = `#${uniqueName('talk')}:${here.serverName}`;
    const answer = await bob.request('PUT', path`/v3/directory/room/${alias}`, { room_id: roomId });
    expect(answer.status).toBe(400);
    expect((await resolve(alice, alias)).status).toBe(404);
  });
});

test('the room directory of another server is searched', async () => {
  const name = uniqueName('garden');
  const topic = 'of two servers';
  const roomId = await alice.createRoom({ preset: 'public_chat', visibility: 'public', name, topic });
  await alice.createRoom({ preset: 'public_chat', visibility: 'public', name: 'elsewhere' });
  const search = (server: string) =>
    bob.expect('POST', `/v3/publicRooms?server=${server}`, { filter: { generic_search_term: name } });
  expect((await search(here.serverName)).chunk).toEqual([
    expect.objectContaining({ room_id: roomId, name, topic, num_joined_members: 1, join_rule: 'public' }),
  ]);
  expect((await search(there.serverName)).chunk).toEqual([]);
});

test('the profile of another server is read, and its changes come into shared rooms', async () => {
  const roomId = await sharedRoom();
  const profile = () => bob.request('GET', path`/v3/profile/${alice.userId}`);
  const displayname = uniqueName('Alice');
  const follower = await bob.follow();
  await alice.expect('PUT', path`/v3/profile/${alice.userId}/displayname`, { displayname });
  expect((await profile()).body).toMatchObject({ displayname });
  const shows = ({ type, content }: ClientEvent) =>
    type === 'm.room.member' && content['displayname'] === displayname;
  await follower.until(
    'new name',
    ({ rooms }) => rooms?.join?.[roomId]?.timeline.events.some(shows) === true,
  );
  const nobody = path`/v3/profile/${`@${uniqueName('nobody')}:${here.serverName}`}`;
  expect(outcome(await bob.request('GET', nobody))).toBe('404 M_NOT_FOUND');
});

describe('state of each kind', () => {
  const kinds = (word: string): Record<string, Record<string, unknown>> => ({
    'm.room.name': { name: word },
    'm.room.topic': { topic: word },
    'm.room.avatar': { url: `mxc://${here.serverName}/${word}` },
    'm.room.pinned_events': { pinned: [`$${word}`] },
    'm.room.guest_access': { guest_access: word === 'one' ? 'forbidden' : 'can_join' },
    'm.room.history_visibility': { history_visibility: word === 'one' ? 'joined' : 'world_readable' },
    'm.room.join_rules': { join_rule: word === 'one' ? 'invite' : 'public' },
    'm.room.server_acl': { allow: ['*'], deny: [`${word}.invalid`], allow_ip_literals: true },
    'm.room.encryption': { algorithm: `m.${word}` },
    'm.room.tombstone': { body: word, replacement_room: `!${word}:${here.serverName}` },
    'org.example.kind': { nested: [{ [word]: null }] },
  });

  test('goes both ways', async () => {
    const roomId = await sharedRoom();
    const before = await alice.state(roomId, 'm.room.power_levels');
    const powers = { ...before, users: { ...(before['users'] as object), [bob.userId]: 100 } };
    await alice.setState(roomId, 'm.room.power_levels', { ...powers, events: {} });
    await commonState(alice, bob, roomId);
    const ways = [
      [alice, bob, 'one'],
      [bob, alice, 'two'],
    ] as const;
    for (const [from, to, word] of ways) {
      for (const [type, content] of Object.entries(kinds(word))) await from.setState(roomId, type, content);
      const [ofAlice, ofBob] = await commonState(alice, bob, roomId);
      expect(ofBob).toEqual(ofAlice);
      for (const [type, content] of Object.entries(kinds(word))) {
        expect(await to.state(roomId, type)).toEqual(content);
      }
    }
  });
});

describe('redactions', () => {
  const contentOf = async (user: TestUser, roomId: string, eventId: string) => {
    const { status, body } = await user.request('GET', path`/v3/rooms/${roomId}/event/${eventId}`);
    return status === 200 ? body['content'] : undefined;
  };
  const isEmpty = (content: unknown) => JSON.stringify(content) === '{}';
  const isThere = (content: unknown) => content !== undefined;

  test.each(['10', '11'])('go both ways, version %s', async (room_version) => {
    const roomId = await sharedRoom({ room_version });
    const byBob = await bob.send(roomId, 'of bob');
    const alsoByBob = await bob.send(roomId, 'of bob too');
    await eventually(() => contentOf(alice, roomId, alsoByBob), isThere);
    await alice.redact(roomId, byBob, 'not here');
    await bob.redact(roomId, alsoByBob);
    for (const user of [alice, bob]) {
      for (const eventId of [byBob, alsoByBob]) {
        expect(await eventually(() => contentOf(user, roomId, eventId), isEmpty)).toEqual({});
      }
      expect(await saidIn(user, roomId)).toEqual([]);
    }
  });

  test.each(['10', '11'])('come before what they redact, version %s', async (room_version) => {
    const roomId = await sharedRoom({ room_version });
    const mallory = scripted.user(uniqueName('mallory'));
    const room = await scripted.join(here, roomId, mallory);
    const prev = room.heads;
    const said = await room.say(mallory, 'to be taken back', { prev });
    const redacts = { redacts: said.eventId };
    const redaction = await room.append(
      {
        type: 'm.room.redaction',
        sender: mallory,
        ...(room_version === '11' ? { content: redacts } : { content: {}, ...redacts }),
      },
      { prev },
    );
    for (const [server, user] of [
      [here, alice],
      [there, bob],
    ] as const) {
      const [first, second] = [redaction, said].map(({ pdu }) => ({ pdus: [pdu] }));
      await scripted.transaction(server, first ?? {});
      expect(await eventually(() => contentOf(user, roomId, redaction.eventId), isThere)).toBeDefined();
      await scripted.transaction(server, second ?? {});
      expect(await eventually(() => contentOf(user, roomId, said.eventId), isThere)).toEqual({});
      expect(await saidIn(user, roomId)).toEqual([]);
    }
  });
});

test.each([
  ['joined', ['after']],
  ['invited', ['between', 'after']],
  ['shared', ['before', 'between', 'after']],
  ['world_readable', ['before', 'between', 'after']],
])('who joins from another server a room of visibility %s reads %j', async (history_visibility, read) => {
  const visibility = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility } };
  const newcomer = await register(there.clientUrl, 'newcomer');
  const roomId = await alice.createRoom({ preset: 'private_chat', initial_state: [visibility] });
  const before = await alice.send(roomId, 'before');
  await alice.invite(roomId, newcomer.userId);
  await alice.send(roomId, 'between');
  await newcomer.join(roomId);
  await alice.send(roomId, 'after');
  const found = await eventually(
    () => saidIn(newcomer, roomId),
    (texts) => texts.includes('after'),
  );
  expect(found).toEqual(read);
  const { status } = await newcomer.request('GET', path`/v3/rooms/${roomId}/event/${before}`);
  expect(status).toBe(read.includes('before') ? 200 : 404);
});

test('who comes back reads all that was said meanwhile and before, back to the creation (behaviour 35)', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '10' });
  const said: string[] = [];
  const say = async (user: TestUser, text: string) => {
    said.push(text);
    return user.send(roomId, text);
  };
  const enter = () => bob.expect('POST', path`/v3/join/${roomId}` + `?via=${here.serverName}`, {});
  for (let n = 0; n < 25; n += 1) await say(alice, `before ${n}`);
  await enter();
  const follower = await bob.follow();
  await follower.untilEvent(roomId, await say(alice, 'together'));
  await bob.leave(roomId);
  await eventually(
    async () => (await alice.state(roomId, 'm.room.member', bob.userId))['membership'],
    (membership) => membership === 'leave',
  );
  for (let n = 0; n < 25; n += 1) await say(alice, `meanwhile ${n}`);
  await enter();
  await say(bob, 'again');

  const filter = JSON.stringify({ room: { timeline: { limit: 5 } } });
  const timeline = (await bob.sync({ filter })).rooms?.join?.[roomId]?.timeline;
  expect(timeline?.limited).toBe(true);
  const read = [...(timeline?.events ?? [])].reverse();
  let from = timeline?.prev_batch;
  while (from !== undefined) {
    const page = await bob.expect(
      'GET',
      path`/v3/rooms/${roomId}/messages` + query({ dir: 'b', limit: 20, from }),
    );
    read.push(...(page.chunk ?? []));
    from = page.end;
  }
  expect(texts(read).toSorted()).toEqual(said.toSorted());
  expect(new Set(ids(read)).size).toBe(read.length);
  expect(types(read).filter((type) => type === 'm.room.create')).toHaveLength(1);
  // What was missed while away is in no timeline of a sync.
  expect(texts(timeline?.events)).toEqual(['again']);
});

test('a room is told of who is in it on three servers', async () => {
  const roomId = await sharedRoom();
  const zoe = scripted.user(uniqueName('zoe'));
  await scripted.join(there, roomId, zoe);
  const joined = async (user: TestUser) =>
    Object.keys((await user.expect('GET', path`/v3/rooms/${roomId}/joined_members`)).joined ?? {}).sort();
  const all = [alice.userId, bob.userId, zoe].sort();
  for (const user of [alice, bob]) {
    expect(
      await eventually(
        () => joined(user),
        ({ length }) => length === 3,
      ),
    ).toEqual(all);
  }
});
