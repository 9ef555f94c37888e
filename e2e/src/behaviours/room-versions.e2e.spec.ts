import { beforeAll, describe, expect, test } from '@jest/globals';
import { type ClientEvent, path, query, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUsers, outcome, types } from '../users.js';

const { serverName } = sharedCluster();
const versions = Array.from({ length: 12 }, (_, index) => index + 1);

let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

/** @see https://spec.matrix.org/v1.19/appendices/#event-ids */
function eventIdForm(version: number): RegExp {
  if (version <= 2) return new RegExp(`^\\$[^:]+:${RegExp.escape(serverName)}$`);
  return version === 3 ? /^\$[A-Za-z0-9+/]{43}$/ : /^\$[A-Za-z0-9_-]{43}$/;
}

test('all versions are offered, and 12 is the one that rooms get', async () => {
  const { capabilities } = (await alice.expect('GET', '/v3/capabilities')) as Record<string, object>;
  expect(capabilities).toMatchObject({
    'm.room_versions': {
      default: '12',
      available: Object.fromEntries(versions.map((version) => [version, 'stable'])),
    },
  });
  const roomId = await alice.createRoom();
  expect(await alice.state(roomId, 'm.room.create')).toMatchObject({ room_version: '12' });
});

describe.each(versions)('a room of version %d', (version) => {
  let roomId: string;
  let mine: string[];
  let topic: string;
  let redaction: string;

  beforeAll(async () => {
    roomId = await alice.createRoom({ room_version: String(version), preset: 'public_chat' });
    await bob.join(roomId);
    mine = [];
    for (const text of ['one', 'two', 'three', 'four']) mine.push(await bob.send(roomId, text));
    topic = await alice.setState(roomId, 'm.room.topic', { topic: 'versions' });
    redaction = await alice.redact(roomId, mine[0] ?? '', 'spam');
    await alice.send(roomId, 'last');
  });

  function expectHistory(events: readonly ClientEvent[]): void {
    expect(types(events)).toEqual([
      ...['m.room.create', 'm.room.member', 'm.room.power_levels'],
      ...['m.room.join_rules', 'm.room.history_visibility', 'm.room.member'],
      ...mine.map(() => 'm.room.message'),
      ...['m.room.topic', 'm.room.redaction', 'm.room.message'],
    ]);
    for (const { event_id } of events) expect(event_id).toMatch(eventIdForm(version));
    const byId = new Map(events.map((event) => [event.event_id, event]));
    expect(byId.get(mine[0] ?? '')).toMatchObject({
      content: {},
      unsigned: { redacted_because: { event_id: redaction, redacts: mine[0], content: { reason: 'spam' } } },
    });
    expect(byId.get(mine[1] ?? '')).toMatchObject({ sender: bob.userId, content: { body: 'two' } });
    expect(byId.get(topic)).toMatchObject({ state_key: '', content: { topic: 'versions' } });
    expect(byId.get(redaction)).toMatchObject({ sender: alice.userId, redacts: mine[0] });
  }

  test('says which it is, and who made it', async () => {
    expect(roomId).toMatch(version === 12 ? /^![A-Za-z0-9_-]{43}$/ : /^![^:]+:.+$/);
    const create = await alice.state(roomId, 'm.room.create');
    expect(create).toEqual({
      room_version: String(version),
      ...(version <= 10 && { creator: alice.userId }),
    });
  });

  test('is in /sync, /messages and /event for both members', async () => {
    const filter = JSON.stringify({ room: { rooms: [roomId], timeline: { limit: 50 } } });
    for (const user of [alice, bob]) {
      expectHistory((await user.sync({ filter })).rooms?.join?.[roomId]?.timeline.events ?? []);
      expectHistory((await user.history(roomId)).reverse());
      for (const id of [...mine, topic, redaction]) {
        const event = await user.expect('GET', path`/v3/rooms/${roomId}/event/${id}`);
        expect(event).toMatchObject({ event_id: id, room_id: roomId });
      }
      const context = await user.expect(
        'GET',
        path`/v3/rooms/${roomId}/context/${mine[2] ?? ''}` + query({ limit: 2 }),
      );
      expect(context).toMatchObject({ event: { event_id: mine[2] } });
    }
  });

  test('lets nobody redact what is not theirs without the power for it', async () => {
    const hers = await alice.send(roomId, 'hers');
    const refused = await bob.request('PUT', path`/v3/rooms/${roomId}/redact/${hers}/${hers}`, {});
    expect(outcome(refused)).toBe('403 M_FORBIDDEN');
    await bob.redact(roomId, mine[1] ?? '');
    expect(await bob.expect('GET', path`/v3/rooms/${roomId}/event/${mine[1] ?? ''}`)).toMatchObject({
      content: {},
    });
  });

  test('takes integers only as power levels', async () => {
    const target = path`/v3/rooms/${roomId}/state/m.room.power_levels/`;
    const levels = await alice.state(roomId, 'm.room.power_levels');
    const refusal = version < 10 ? '400 M_BAD_JSON' : '403 M_FORBIDDEN';
    for (const wrong of [{ ban: '50' }, { events: { x: '1' } }, { users: { [bob.userId]: ' 10 ' } }]) {
      expect(outcome(await alice.request('PUT', target, { ...levels, ...wrong }))).toBe(refusal);
    }
    expect(outcome(await alice.request('PUT', target, { ...levels, ban: 49.5 }))).toBe('400 M_BAD_JSON');
    const initial_state = [{ type: 'm.room.power_levels', state_key: '', content: { ...levels, ban: '50' } }];
    const room = { room_version: String(version), initial_state };
    expect((await alice.request('POST', '/v3/createRoom', room)).status).toBe(400);
    await alice.setState(roomId, 'm.room.power_levels', { ...levels, ban: 51 });
  });

  test('admits as its version can', async () => {
    const outside = await alice.createRoom({ room_version: String(version), preset: 'private_chat' });
    const admit = (content: Record<string, unknown>) => alice.setState(outside, 'm.room.join_rules', content);
    const knock = async () => outcome(await bob.request('POST', path`/v3/knock/${outside}`, {}));
    const join = async () => outcome(await bob.request('POST', path`/v3/join/${outside}`, {}));
    const allow = [{ type: 'm.room_membership', room_id: roomId }];
    await admit({ join_rule: 'knock' });
    expect(await knock()).toBe(version < 7 ? '403 M_FORBIDDEN' : '200');
    await admit({ join_rule: 'knock_restricted', allow });
    expect(await join()).toBe(version < 10 ? '403 M_FORBIDDEN' : '200');
    if (version >= 10) await bob.leave(outside);
    await admit({ join_rule: 'restricted', allow });
    expect(await join()).toBe(version < 8 ? '403 M_FORBIDDEN' : '200');
  });

  test('is no place for aliases from outside', async () => {
    const hidden = await alice.createRoom({ room_version: String(version), preset: 'private_chat' });
    const target = path`/v3/rooms/${hidden}/state/m.room.aliases/${serverName}`;
    const aliases = { aliases: [`#x:${serverName}`] };
    expect(outcome(await bob.request('PUT', target, aliases))).toBe('403 M_FORBIDDEN');
    expect(outcome(await alice.request('PUT', target, aliases))).toBe('200');
  });
});
