import { beforeAll, expect, test } from '@jest/globals';
import { type ClientEvent, path, query, type TestUser } from '@atoll/testing';
import { ids, newUsers, outcome, texts } from '../users.js';

interface RoomInfo {
  room_id: string;
  membership?: string;
  invite?: ClientEvent;
  messages?: { start?: string; end: string; chunk: ClientEvent[] };
  state?: ClientEvent[];
  visibility?: string;
}

let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

const events = (user: TestUser, parameters: Record<string, string | number | undefined>) =>
  user.expect('GET', '/v3/events' + query(parameters));

test('initialSync tells rooms with their state and messages, invites whole, and archived rooms when asked', async () => {
  const joined = await alice.createRoom({ preset: 'public_chat', name: 'joined' });
  const left = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(joined);
  await bob.join(left);
  await alice.send(joined, 'hello');
  await bob.leave(left);
  const invited = await alice.createRoom({ preset: 'private_chat', invite: [bob.userId] });
  const answer = await bob.expect('GET', '/v3/initialSync' + query({ limit: 5 }));
  const rooms = new Map((answer['rooms'] as RoomInfo[]).map((room) => [room.room_id, room]));
  expect(rooms.get(joined)).toMatchObject({ membership: 'join', visibility: 'private' });
  expect(texts(rooms.get(joined)?.messages?.chunk)).toEqual(['hello']);
  expect(rooms.get(joined)?.state?.find(({ type }) => type === 'm.room.name')?.content).toEqual({
    name: 'joined',
  });
  expect(rooms.get(invited)).toMatchObject({
    membership: 'invite',
    invite: { state_key: bob.userId, content: { membership: 'invite' }, event_id: expect.any(String) },
  });
  expect(rooms.has(left)).toBe(false);
  const archived = await bob.expect('GET', '/v3/initialSync' + query({ archived: true }));
  expect((archived['rooms'] as RoomInfo[]).find(({ room_id }) => room_id === left)?.membership).toBe('leave');
});

test('events go on from a token, and wait for what comes', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(roomId);
  const { end } = await bob.expect('GET', '/v3/initialSync');
  const waiting = events(bob, { from: end, timeout: 20_000 });
  const eventId = await alice.send(roomId, 'news');
  const news = await waiting;
  const told = news.chunk?.find((event) => event.event_id === eventId);
  expect(told).toMatchObject({ room_id: roomId, content: { body: 'news' } });
  expect((await events(bob, { from: news.end })).chunk).toEqual([]);
  expect(outcome(await bob.request('GET', '/v3/events?from=nonsense'))).toBe('400 M_INVALID_PARAM');
});

test('a single event is found without its room, by who may see it', async () => {
  const roomId = await alice.createRoom({ preset: 'private_chat' });
  const eventId = await alice.send(roomId, 'private');
  expect(await alice.expect('GET', path`/v3/events/${eventId}`)).toMatchObject({
    event_id: eventId,
    room_id: roomId,
  });
  expect(outcome(await bob.request('GET', path`/v3/events/${eventId}`))).toBe('404 M_NOT_FOUND');
});

test('rooms that everybody may read are looked into without joining', async () => {
  const [open, closed] = [
    await alice.createRoom({
      preset: 'public_chat',
      initial_state: [
        {
          type: 'm.room.history_visibility',
          state_key: '',
          content: { history_visibility: 'world_readable' },
        },
      ],
    }),
    await alice.createRoom({ preset: 'public_chat' }),
  ];
  const eventId = await alice.send(open, 'for all');
  const room = (await bob.expect('GET', path`/v3/rooms/${open}/initialSync`)) as unknown as RoomInfo;
  expect(room.membership).toBeUndefined();
  expect(ids(room.messages?.chunk)).toContain(eventId);
  expect(room.state?.some(({ type }) => type === 'm.room.create')).toBe(true);
  const waiting = events(bob, { room_id: open, from: room.messages?.end, timeout: 20_000 });
  const later = await alice.send(open, 'later');
  expect(ids((await waiting).chunk)).toEqual([later]);
  for (const target of [path`/v3/rooms/${closed}/initialSync`, '/v3/events' + query({ room_id: closed })]) {
    expect(outcome(await bob.request('GET', target))).toBe('403 M_FORBIDDEN');
  }
});

test('the initial sync of a room that was left is of then', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat', name: 'then' });
  await bob.join(roomId);
  await bob.leave(roomId);
  await alice.setState(roomId, 'm.room.name', { name: 'now' });
  const room = (await bob.expect('GET', path`/v3/rooms/${roomId}/initialSync`)) as unknown as RoomInfo;
  expect(room.membership).toBe('leave');
  expect(room.state?.find(({ type }) => type === 'm.room.name')?.content).toEqual({ name: 'then' });
  expect(room.messages?.chunk.at(-1)?.state_key).toBe(bob.userId);
});
