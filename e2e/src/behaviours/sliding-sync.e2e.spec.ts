import { beforeAll, describe, expect, test } from '@jest/globals';
import { path, query, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { listOf, SlidingClient, tells } from '../sliding-client.js';
import { ids, newUsers, outcome, texts, types } from '../users.js';

const unstable = '/unstable/org.matrix.simplified_msc3575/sync';

let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

async function roomOfBoth(options: object = {}): Promise<string> {
  const roomId = await alice.createRoom({ preset: 'public_chat', ...options });
  await bob.join(roomId);
  return roomId;
}

describe('windows and subscriptions', () => {
  test('the newest rooms come first, others as the window grows or they become active', async () => {
    const [carol] = (await newUsers('carol')) as [TestUser];
    const rooms: string[] = [];
    for (let i = 0; i < 4; i += 1) rooms.push(await carol.createRoom({ name: `Room ${i}` }));
    const [oldest, second, third, newest] = rooms as [string, string, string, string];
    const client = new SlidingClient(carol);
    const first = await client.next({ lists: listOf({ range: [0, 1], timeline_limit: 1 }) });
    expect(first.lists).toEqual({ all: { count: 4 } });
    expect(Object.keys(first.rooms)).toEqual([newest, third]);
    expect(first.rooms[newest]).toMatchObject({
      initial: true,
      name: 'Room 3',
      joined_count: 1,
      limited: true,
    });

    const eventId = await carol.send(oldest, 'up');
    const up = await client.until(
      { lists: listOf({ range: [0, 1], timeline_limit: 1 }) },
      oldest,
      tells(eventId),
    );
    expect(up).toMatchObject({ initial: true, num_live: 1 });
    const grown = await client.next({ lists: listOf({ range: [0, 99], timeline_limit: 1 }) });
    expect(Object.keys(grown.rooms)).toEqual([second]);
  });

  test('a subscription tells more of a room at once', async () => {
    const roomId = await roomOfBoth({ topic: 'Talk' });
    const sent = [];
    for (const text of ['one', 'two', 'three']) sent.push(await bob.send(roomId, text));
    const client = new SlidingClient(alice, 'subscriptions');
    const lists = listOf({ timeline_limit: 1 });
    const [, , last] = sent as [string, string, string];
    await client.until({ lists }, roomId, tells(last));
    const wanted = {
      timeline_limit: 3,
      required_state: { include: [{ type: 'm.room.topic', state_key: '' }] },
    };
    const answer = await client.next({ lists, room_subscriptions: { [roomId]: wanted }, timeout: 30_000 });
    expect(answer.rooms[roomId]).toMatchObject({ expanded_timeline: true, limited: true, num_live: 0 });
    expect(texts(answer.rooms[roomId]?.timeline)).toEqual(['one', 'two', 'three']);
    expect(types(answer.rooms[roomId]?.required_state)).toEqual(['m.room.topic']);

    // `prev_batch` and `pos` both page through history.
    const { prev_batch } = answer.rooms[roomId] ?? {};
    for (const from of [prev_batch, client.pos]) {
      const target = path`/v3/rooms/${roomId}/messages` + query({ dir: 'b', limit: 50, from });
      const { chunk = [] } = await alice.expect('GET', target);
      expect(ids(chunk).includes(last)).toBe(from === client.pos);
      expect(types(chunk)).toContain('m.room.create');
    }
  });

  test('nobody sees rooms that are not theirs', async () => {
    const secret = await bob.createRoom({ preset: 'private_chat' });
    await bob.send(secret, 'secret');
    const config = { timeline_limit: 10, required_state: { include: [{}] } };
    const client = new SlidingClient(alice, 'nosy');
    const subscriptions = { room_subscriptions: { [secret]: config } };
    expect((await client.next(subscriptions)).rooms).toEqual({});
    await bob.send(secret, 'more');
    expect((await client.next(subscriptions)).rooms).toEqual({});
  });
});

describe('rooms over time', () => {
  test('members are loaded as they are needed', async () => {
    const roomId = await roomOfBoth();
    const eventId = await bob.send(roomId, 'hello');
    const lists = listOf({ timeline_limit: 1, required_state: { include: [{}], lazy_members: true } });
    const client = new SlidingClient(alice, 'lazy');
    const first = await client.until({ lists }, roomId, tells(eventId));
    const members = first.required_state?.filter(({ type }) => type === 'm.room.member') ?? [];
    expect(members.map(({ state_key }) => state_key)).toEqual([bob.userId]);
    expect(types(first.required_state)).toContain('m.room.power_levels');
    const again = await bob.send(roomId, 'hello again');
    const second = await client.until({ lists }, roomId, tells(again));
    expect(second).not.toHaveProperty('required_state');
  });

  test('an invite becomes a room, and is left once', async () => {
    const roomId = await alice.createRoom({ preset: 'private_chat', name: 'Private' });
    const client = new SlidingClient(bob, 'invited');
    await client.next({ lists: listOf() });
    const waiting = client.until({ lists: listOf() }, roomId, ({ membership }) => membership === 'invite');
    await alice.invite(roomId, bob.userId);
    const invited = await waiting;
    expect(types(invited.stripped_state)).toEqual(expect.arrayContaining(['m.room.name', 'm.room.member']));
    expect(invited).not.toHaveProperty('timeline');

    await bob.join(roomId);
    const joined = await client.until({ lists: listOf() }, roomId, ({ membership }) => membership === 'join');
    expect(joined).toMatchObject({ initial: true, name: 'Private', joined_count: 2 });

    await bob.leave(roomId);
    await alice.send(roomId, 'not for bob');
    const left = await client.until({ lists: listOf() }, roomId, ({ membership }) => membership === 'leave');
    expect(types(left.timeline)).toEqual(['m.room.member']);
    expect((await client.next({ lists: listOf() })).rooms).toEqual({});
    expect((await new SlidingClient(bob, 'anew').next({ lists: listOf() })).rooms).not.toHaveProperty(roomId);
  });

  test('a redaction reaches the client, and what is told anew is redacted', async () => {
    const roomId = await roomOfBoth();
    const eventId = await bob.send(roomId, 'oops');
    const client = new SlidingClient(alice, 'redactions');
    await client.until({ lists: listOf() }, roomId, tells(eventId));
    const redaction = await bob.redact(roomId, eventId);
    await client.until({ lists: listOf() }, roomId, tells(redaction));
    const { rooms } = await new SlidingClient(alice, 'later').next({ lists: listOf() });
    expect(rooms[roomId]?.timeline?.find(({ event_id }) => event_id === eventId)?.content).toEqual({});
  });
});

describe('connections', () => {
  test('any instance goes on where another has answered', async () => {
    const roomId = await roomOfBoth();
    const instances = sharedCluster().clientApis.map((url) => alice.through(url));
    expect(instances.length).toBeGreaterThan(1);
    const client = new SlidingClient(alice, 'alternating');
    await client.next({ lists: listOf() });
    for (let i = 0; i < 6; i += 1) {
      const waiting = client.next({ lists: listOf(), timeout: 30_000 }, instances[i % instances.length]);
      const eventId = await bob.send(roomId, `${i}`);
      const { rooms } = await waiting;
      expect(ids(rooms[roomId]?.timeline)).toEqual([eventId]);
      expect(rooms[roomId]).not.toHaveProperty('initial');
    }
  });

  test('an answer that got lost is given again, and an unknown position is refused', async () => {
    const roomId = await roomOfBoth();
    const client = new SlidingClient(alice, 'lossy');
    await client.next({ lists: listOf() });
    const before = client.pos;
    const eventId = await bob.send(roomId, 'lost');
    const told = await client.until({ lists: listOf() }, roomId, tells(eventId));
    client.pos = before;
    const repeated = await client.next({ lists: listOf() });
    expect(ids(repeated.rooms[roomId]?.timeline)).toEqual(ids(told.timeline));

    const unknown = '400 M_UNKNOWN_POS';
    expect(outcome(await client.ask({ lists: listOf() }, 'nonsense'))).toBe(unknown);
    expect(outcome(await new SlidingClient(bob, 'lossy').ask({}, client.pos))).toBe(unknown);
    expect(outcome(await new SlidingClient(alice, 'other').ask({}, client.pos))).toBe(unknown);
    await client.ask({ lists: listOf(), pos: undefined });
    const anew = new SlidingClient(alice, 'lossy');
    await anew.next({ lists: listOf() });
    expect(outcome(await client.ask({ lists: listOf() }))).toBe(unknown);
  });
});

describe('extensions', () => {
  test('tell account data, receipts and typing as they happen', async () => {
    const roomId = await roomOfBoth();
    const eventId = await bob.send(roomId, 'read this');
    const enabled = { enabled: true };
    const body = {
      lists: listOf(),
      extensions: {
        account_data: enabled,
        receipts: enabled,
        typing: enabled,
        to_device: enabled,
        e2ee: enabled,
        'org.example.unknown': enabled,
      },
      timeout: 30_000,
    };
    const client = new SlidingClient(alice, 'extensions');
    const first = await client.next(body);
    expect(first.extensions).toMatchObject({
      to_device: { next_batch: expect.any(String), events: [] },
      e2ee: { device_one_time_keys_count: { signed_curve25519: 0 }, device_unused_fallback_key_types: [] },
    });

    // Other news may come in between: counts follow a moment after what they count.
    const tellsOf = async (extension: string, told: 'rooms' | 'global') => {
      for (;;) {
        const answer = await client.next(body);
        if (answer.extensions[extension]?.[told] !== undefined) return answer;
      }
    };
    let waiting = tellsOf('typing', 'rooms');
    await bob.request('PUT', path`/v3/rooms/${roomId}/typing/${bob.userId}`, {
      typing: true,
      timeout: 60_000,
    });
    expect((await waiting).extensions['typing']?.rooms).toEqual({
      [roomId]: { type: 'm.typing', content: { user_ids: [bob.userId] } },
    });
    waiting = tellsOf('receipts', 'rooms');
    await bob.request('POST', path`/v3/rooms/${roomId}/receipt/m.read/${eventId}`, {});
    expect((await waiting).extensions['receipts']?.rooms).toEqual({
      [roomId]: {
        type: 'm.receipt',
        content: { [eventId]: { 'm.read': { [bob.userId]: { ts: expect.any(Number) } } } },
      },
    });
    waiting = tellsOf('account_data', 'global');
    await alice.request('PUT', path`/v3/user/${alice.userId}/account_data/m.direct`, {
      [bob.userId]: [roomId],
    });
    const direct = await waiting;
    expect(direct.extensions['account_data']?.global).toEqual([
      { type: 'm.direct', content: { [bob.userId]: [roomId] } },
    ]);
    expect(direct.rooms[roomId]).toMatchObject({ is_dm: true });
  });
});

describe('clients from before the proposal was written down', () => {
  test('are told that it is there, and answered in their own words', async () => {
    const versions = await alice.expect('GET', '/versions');
    expect(versions['unstable_features']).toMatchObject({ 'org.matrix.simplified_msc3575': true });
    const roomId = await roomOfBoth();
    const eventId = await bob.send(roomId, 'hello');
    const body = {
      conn_id: 'room-list',
      lists: {
        all_rooms: {
          ranges: [[0, 19]],
          timeline_limit: 1,
          required_state: [
            ['m.room.create', ''],
            ['m.room.member', '$LAZY'],
            ['m.room.member', '$ME'],
          ],
          filters: { not_room_types: ['m.space'] },
        },
      },
      extensions: { to_device: { enabled: true }, e2ee: { enabled: true } },
    };
    const first = await alice.expect('POST', `${unstable}?timeout=30000`, body);
    const told = (first['rooms'] as Record<string, Record<string, unknown>>)[roomId];
    expect(told).toMatchObject({ initial: true, notification_count: 1, timeline: [{ event_id: eventId }] });
    expect((told?.['required_state'] as { type: string }[]).map(({ type }) => type).sort()).toEqual([
      'm.room.create',
      'm.room.member',
      'm.room.member',
    ]);
    const waiting = alice.expect(
      'POST',
      unstable + query({ pos: String(first['pos']), timeout: 30_000 }),
      body,
    );
    const next = await bob.send(roomId, 'wake up');
    expect((await waiting)['rooms']).toMatchObject({
      [roomId]: { timeline: [{ event_id: next }], num_live: 1 },
    });
    expect(outcome(await alice.request('POST', `${unstable}?pos=nonsense`, body))).toBe('400 M_UNKNOWN_POS');
  });
});
