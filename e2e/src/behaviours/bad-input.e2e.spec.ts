import { beforeAll, describe, expect, test } from '@jest/globals';
import { HttpClient, path, query, type TestUser } from '@atoll/testing';
import { askFederation } from '../ask-federation.js';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUser, newUsers, outcome } from '../users.js';

const { clientUrl, federationUrl, serverName } = sharedCluster();
const http = new HttpClient(clientUrl);
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

let alice: TestUser;
let mallory: TestUser;
let roomId: string;
beforeAll(async () => {
  [alice, mallory] = (await newUsers('alice', 'mallory')) as [TestUser, TestUser];
  roomId = await alice.createRoom({ preset: 'public_chat' });
});

describe('bodies (behaviours 5, 7)', () => {
  test.each<[string, string | Uint8Array<ArrayBuffer>, string]>([
    ['that are not JSON', '{"msgtype":', '400 M_NOT_JSON'],
    ['that are not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), '400 M_NOT_JSON'],
    ['that are a string', '"text"', '400 M_BAD_JSON'],
    ['that are a list', '[]', '400 M_BAD_JSON'],
    ['with a fraction, which no event may hold', '{"a":1.5}', '400 M_BAD_JSON'],
    ['with an integer beyond 2^53', '{"a":9007199254740993}', '400 M_BAD_JSON'],
    ['that are nested too deeply', nested(10_000), '400 M_BAD_JSON'],
    ['that make an event over 65,536 bytes', JSON.stringify({ body: 'x'.repeat(66_000) }), '413 M_TOO_LARGE'],
    ['of megabytes', JSON.stringify({ body: 'x'.repeat(12_000_000) }), '413 M_TOO_LARGE'],
  ])('%s are refused by send and by state', async (_, raw, expected) => {
    for (const target of [path`/v3/rooms/${roomId}/send/m.test/bad`, path`/v3/rooms/${roomId}/state/m.test/`])
      expect(outcome(await alice.request('PUT', target, undefined, { raw }))).toBe(expected);
  });

  test.each<[string, string, unknown, string]>([
    ['createRoom', '/v3/createRoom', { invite: 'not a list' }, '400 M_BAD_JSON'],
    ['createRoom', '/v3/createRoom', { room_version: 11 }, '400 M_BAD_JSON'],
    ['createRoom', '/v3/createRoom', { room_version: 'unknown' }, '400 M_UNSUPPORTED_ROOM_VERSION'],
    ['login', '/v3/login', { type: 7 }, '400 M_BAD_JSON'],
  ])('%s %s %j → %s', async (_, target, body, expected) => {
    expect(outcome(await alice.request('POST', target, body))).toBe(expected);
  });

  test.each([
    { room: { rooms: 'not a list' } },
    { room: { timeline: { limit: 'many' } } },
    { room: { timeline: { senders: ['not a user id'] } } },
    { room: { rooms: ['not a room id'] } },
    { presence: 'none' },
    { room: { state: { types: [1] } } },
    { room: { not_rooms: ['not a room id'] } },
    { room: { state: { not_senders: ['@nobody'] } } },
    { room: { account_data: { rooms: ['#alias:hs'] } } },
    { presence: { senders: [7] } },
    { account_data: { not_types: 'none' } },
    { event_fields: 'content' },
    { event_format: 'other' },
    [],
  ])('filter %j is refused, stored and in a sync (behaviour 8)', async (filter) => {
    const answer = await alice.request('POST', path`/v3/user/${alice.userId}/filter`, filter);
    expect(answer.status).toBe(400);
    const inline = query({ filter: JSON.stringify(filter) });
    expect((await alice.request('GET', `/v3/sync${inline}`)).status).toBe(400);
  });
});

describe('tokens (behaviour 5)', () => {
  test.each(['/v3/account/whoami', '/v3/capabilities', '/v3/sync', '/v3/joined_rooms', '/v3/devices'])(
    '%s needs one',
    async (target) => {
      const url = `/_matrix/client${target}`;
      expect(outcome(await http.send('GET', url))).toBe('401 M_MISSING_TOKEN');
      expect(outcome(await http.send('GET', url, { token: 'forged' }))).toBe('401 M_UNKNOWN_TOKEN');
    },
  );

  test('of one user open nothing of another', async () => {
    const answer = await mallory.request('PUT', path`/v3/user/${alice.userId}/account_data/m.test`, {});
    expect(outcome(answer)).toBe('403 M_FORBIDDEN');
  });
});

describe('paths (behaviours 6, 56)', () => {
  test.each([
    ['GET', '/_matrix/client/v3/no/such/thing', '404 M_UNRECOGNIZED'],
    ['GET', '/_matrix/unknown', '404 M_UNRECOGNIZED'],
    ['PATCH', '/_matrix/client/v3/login', '405 M_UNRECOGNIZED'],
    ['DELETE', '/_matrix/client/v3/createRoom', '405 M_UNRECOGNIZED'],
    ['GET', '/_matrix/client/unknown', '404 M_UNRECOGNIZED'],
    ['GET', '/_matrix/client/r0/unknown', '404 M_UNRECOGNIZED'],
    ['GET', '/_matrix/client/v1/unknown', '404 M_UNRECOGNIZED'],
    ['PUT', '/_matrix/client/versions', '405 M_UNRECOGNIZED'],
    ['POST', '/_matrix/client/v3/sync', '405 M_UNRECOGNIZED'],
    ['GET', '/_matrix/media/unknown', '404 M_UNRECOGNIZED'],
    ['GET', '/_matrix/media/v1/unknown', '404 M_UNRECOGNIZED'],
    ['GET', '/_matrix/media/v3/unknown', '404 M_UNRECOGNIZED'],
    ['PATCH', '/_matrix/media/v3/upload', '405 M_UNRECOGNIZED'],
    ['POST', '/_matrix/media/v3/config', '405 M_UNRECOGNIZED'],
    ['DELETE', '/_matrix/client/v1/media/config', '405 M_UNRECOGNIZED'],
  ])('%s %s → %s', async (method, target, expected) => {
    expect(outcome(await http.send(method, target))).toBe(expected);
  });

  test.each([
    ['GET', '/_matrix/unknown', 404],
    ['GET', '/_matrix/key/unknown', 404],
    ['GET', '/_matrix/key/v2/unknown', 404],
    ['PUT', '/_matrix/key/v2/server', 405],
    ['PUT', '/_matrix/key/v2/query', 405],
    ['PUT', '/_matrix/federation/v1/version', 405],
    ['DELETE', '/_matrix/federation/v1/send/1', 405],
    ['GET', '/_matrix/federation/unknown', 404],
    ['GET', '/_matrix/federation/v1/unknown', 404],
    ['GET', '/_matrix/federation/v2/unknown', 404],
  ] as const)('federation %s %s → %i', async (method, target, status) => {
    const answer = await askFederation(method, `${federationUrl}${target}`);
    expect(answer).toMatchObject({ status, body: { errcode: 'M_UNRECOGNIZED' } });
  });

  test('r0 serves beside v3', async () => {
    expect((await alice.request('GET', '/r0/account/whoami')).body.user_id).toBe(alice.userId);
    for (const target of ['/r0/sync', '/r0/login', path`/r0/rooms/${roomId}/state`, '/r0/pushrules/']) {
      expect(outcome(await alice.request('GET', target))).toBe('200');
    }
    expect(outcome(await alice.request('PATCH', '/r0/login'))).toBe('405 M_UNRECOGNIZED');
  });
});

describe('rooms', () => {
  const text = { msgtype: 'm.text', body: 'x' };

  test.each([
    ['PUT', path`/v3/rooms/${`!unknown:${serverName}`}/send/m.room.message/1`, text, 403],
    ['PUT', path`/v3/rooms/${`!unknown:${serverName}`}/state/m.room.topic/`, { topic: 'x' }, 403],
    ['GET', path`/v3/rooms/${`!unknown:${serverName}`}/messages?dir=b`, undefined, 403],
    ['GET', path`/v3/rooms/${`!unknown:${serverName}`}/members`, undefined, 403],
    ['GET', path`/v3/rooms/${`!unknown:${serverName}`}/state`, undefined, 403],
  ])('unknown: %s %s', async (method, target, body, status) => {
    const answer = await alice.request(method, target.replace('%3Fdir%3Db', '?dir=b'), body);
    expect(answer).toMatchObject({ status, body: { errcode: 'M_FORBIDDEN' } });
  });

  test('join of an unknown room', async () => {
    const answer = await alice.request('POST', path`/v3/join/${`!unknown:${serverName}`}`, {});
    expect([403, 404]).toContain(answer.status);
    expect(answer.body.errcode).toMatch(/^M_(NOT_FOUND|FORBIDDEN)$/);
  });

  test('state by somebody outside', async () => {
    const answer = await mallory.request('PUT', path`/v3/rooms/${roomId}/state/m.room.topic/`, {
      topic: 'x',
    });
    expect(outcome(answer)).toBe('403 M_FORBIDDEN');
  });

  test('join while banned', async () => {
    const banned = await newUser('banned');
    await alice.ban(roomId, banned.userId);
    expect(outcome(await banned.request('POST', path`/v3/join/${roomId}`, {}))).toBe('403 M_FORBIDDEN');
  });

  test('a change of power levels beyond the own level', async () => {
    const member = await newUser('member');
    const room = await alice.createRoom({
      preset: 'public_chat',
      power_level_content_override: { state_default: 0, events: { 'm.room.power_levels': 0 } },
    });
    await member.join(room);
    const levels = await alice.state(room, 'm.room.power_levels');
    const target = path`/v3/rooms/${room}/state/m.room.power_levels/`;
    const raised = { ...levels, users: { ...(levels['users'] as object), [member.userId]: 50 } };
    expect(outcome(await member.request('PUT', target, raised))).toBe('403 M_FORBIDDEN');
    const wrong = { ...levels, users: { [alice.userId]: 'much' } };
    expect((await alice.request('PUT', target, wrong)).status).toBe(400);
  });

  test('a member event for another user, or with an invented membership', async () => {
    const member = await newUser('member');
    await member.join(roomId);
    const about = (who: TestUser) => path`/v3/rooms/${roomId}/state/m.room.member/${who.userId}`;
    const forged = await member.request('PUT', about(mallory), { membership: 'join' });
    expect(outcome(forged)).toBe('403 M_FORBIDDEN');
    const invented = await member.request('PUT', about(member), { membership: 'guest' });
    expect([400, 403]).toContain(invented.status);
  });

  test.each([
    ['dir=sideways', '400'],
    ['', '400'],
    ['dir=b&limit=many', '400'],
    ['dir=b&from=nonsense', '400'],
  ])('messages?%s → %s', async (parameters, expected) => {
    const answer = await alice.request('GET', `${path`/v3/rooms/${roomId}/messages`}?${parameters}`);
    expect(String(answer.status)).toBe(expected);
    expect(answer.body.errcode).toMatch(/^M_/);
  });

  test('a forged sync token', async () => {
    const answer = await alice.request('GET', '/v3/sync?since=nonsense');
    expect(answer.status).toBe(400);
  });
});
