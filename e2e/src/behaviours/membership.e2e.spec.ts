import { beforeAll, describe, expect, test } from '@jest/globals';
import { generateSigningKey, signJson } from '@atoll/event-crypto';
import { path, query, type TestUser } from '@atoll/testing';
import { newUser, newUsers, outcome, texts } from '../users.js';

let alice: TestUser;
let bob: TestUser;
let outsider: TestUser;
beforeAll(async () => {
  [alice, bob, outsider] = (await newUsers('alice', 'bob', 'outsider')) as [TestUser, TestUser, TestUser];
});

const change = async (who: TestUser, roomId: string, action: string, target: TestUser) =>
  outcome(await who.request('POST', `${path`/v3/rooms/${roomId}`}/${action}`, { user_id: target.userId }));
const publicRoom = async (...members: TestUser[]) => {
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  for (const member of members) await member.join(roomId);
  return roomId;
};

describe('refusals (behaviour 17)', () => {
  test('kick of somebody who never was in the room, or has left', async () => {
    const roomId = await publicRoom(bob);
    expect(await change(alice, roomId, 'kick', outsider)).toBe('403 M_FORBIDDEN');
    await bob.leave(roomId);
    expect(await change(alice, roomId, 'kick', bob)).toBe('403 M_FORBIDDEN');
  });

  test('kick, ban and invite from outside or without the power', async () => {
    const roomId = await publicRoom(bob);
    for (const action of ['kick', 'ban', 'invite']) {
      expect(await change(outsider, roomId, action, bob)).toBe('403 M_FORBIDDEN');
    }
    expect(await change(bob, roomId, 'kick', alice)).toBe('403 M_FORBIDDEN');
    expect(await change(bob, roomId, 'ban', alice)).toBe('403 M_FORBIDDEN');
  });

  test('invite of oneself and of a member', async () => {
    const roomId = await publicRoom(bob);
    expect(await change(alice, roomId, 'invite', alice)).toBe('403 M_FORBIDDEN');
    expect(await change(alice, roomId, 'invite', bob)).toBe('403 M_FORBIDDEN');
  });

  test('a banned user cannot join or be invited until the ban ends', async () => {
    const roomId = await publicRoom(bob);
    expect(await change(alice, roomId, 'ban', bob)).toBe('200');
    expect(await change(alice, roomId, 'invite', bob)).toBe('403 M_FORBIDDEN');
    expect(await change(alice, roomId, 'unban', bob)).toBe('200');
    expect(await change(alice, roomId, 'invite', bob)).toBe('200');
    await bob.join(roomId);
  });

  test('join of a room by invitation only', async () => {
    const roomId = await alice.createRoom({ preset: 'private_chat' });
    expect(outcome(await outsider.request('POST', path`/v3/join/${roomId}`, {}))).toBe('403 M_FORBIDDEN');
  });
});

test('who was invited by e-mail joins with what the identity server signed', async () => {
  const identity = generateSigningKey();
  const roomId = await alice.createRoom({ preset: 'private_chat' });
  await alice.expect('PUT', path`/v3/rooms/${roomId}/state/m.room.third_party_invite/abc`, {
    display_name: 'b…@…',
    public_key: identity.publicKey,
  });
  const signed = (mxid: string, key = identity) =>
    signJson({ mxid, sender: alice.userId, token: 'abc' }, 'id.example', key);
  const join = async (who: TestUser, third_party_signed: object) =>
    outcome(await who.request('POST', path`/v3/join/${roomId}`, { third_party_signed }));
  expect(await join(outsider, await signed(bob.userId))).toBe('403 M_FORBIDDEN');
  expect(await join(bob, await signed(bob.userId, generateSigningKey()))).toBe('403 M_FORBIDDEN');
  expect(await join(bob, await signed(bob.userId))).toBe('200');
  const members = await alice.expect('GET', path`/v3/rooms/${roomId}/joined_members`);
  expect(Object.keys(members['joined'] as object).sort()).toEqual([alice.userId, bob.userId].sort());
});

describe('knocking', () => {
  test('asks to be let in', async () => {
    const roomId = await alice.createRoom({
      initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
    });
    const follower = await bob.follow();
    await bob.expect('POST', path`/v3/knock/${roomId}`, { reason: 'let me in' });
    const news = await follower.until('knock', (answer) => answer.rooms?.knock?.[roomId] !== undefined);
    const own = news.rooms?.knock?.[roomId]?.knock_state.events.find(
      (event) => event.state_key === bob.userId,
    );
    expect(own?.content).toMatchObject({ membership: 'knock', reason: 'let me in' });
    expect(outcome(await bob.request('POST', path`/v3/join/${roomId}`, {}))).toBe('403 M_FORBIDDEN');
    await alice.invite(roomId, bob.userId);
    await bob.join(roomId);
    expect(outcome(await bob.request('POST', path`/v3/knock/${roomId}`, {}))).toBe('403 M_FORBIDDEN');
  });
});

describe('forgetting (behaviour 18)', () => {
  const forget = async (who: TestUser, roomId: string) =>
    outcome(await who.request('POST', path`/v3/rooms/${roomId}/forget`, {}));

  test('is for those who left', async () => {
    const roomId = await publicRoom(bob);
    expect(await forget(bob, roomId)).toBe('400 M_UNKNOWN');
    const follower = await bob.follow();
    await bob.leave(roomId);
    expect(
      (await bob.request('GET', path`/v3/rooms/${roomId}/messages?dir=b`.replace('%3F', '?'))).status,
    ).toBe(200);
    expect(await forget(bob, roomId)).toBe('200');
    const messages = await bob.request('GET', `${path`/v3/rooms/${roomId}/messages`}?dir=b`);
    expect(outcome(messages)).toBe('403 M_FORBIDDEN');
    const news = await follower.next();
    expect(news.rooms?.leave?.[roomId]).toBeDefined();
    const filter = JSON.stringify({ room: { include_leave: true } });
    expect((await bob.sync({ filter })).rooms?.leave?.[roomId]).toBeUndefined();
  });

  test('works for a rejected invite', async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    await bob.leave(roomId);
    expect(await forget(bob, roomId)).toBe('200');
  });

  test('ends when one joins again', async () => {
    const roomId = await publicRoom(bob);
    await bob.leave(roomId);
    await bob.forget(roomId);
    await bob.join(roomId);
    expect((await bob.sync()).rooms?.join?.[roomId]).toBeDefined();
    expect(texts(await bob.history(roomId))).toEqual([]);
  });
});

describe('departed members (behaviour 19)', () => {
  test('read the room as they left it', async () => {
    const roomId = await publicRoom(bob);
    await alice.setState(roomId, 'm.room.name', { name: 'before' });
    await alice.send(roomId, 'before');
    const { next_batch: token } = await bob.sync();
    await bob.leave(roomId);
    await alice.setState(roomId, 'm.room.name', { name: 'after' });
    await alice.send(roomId, 'after');
    await outsider.join(roomId);

    expect(await bob.state(roomId, 'm.room.name')).toEqual({ name: 'before' });
    const state = await bob.expect('GET', path`/v3/rooms/${roomId}/state`);
    const events = state as unknown as { type: string; content: { name?: string } }[];
    expect(events.find((event) => event.type === 'm.room.name')?.content.name).toBe('before');
    const members = (await bob.expect('GET', path`/v3/rooms/${roomId}/members`)).chunk ?? [];
    expect(members.map((event) => event.state_key)).not.toContain(outsider.userId);
    expect(texts(await bob.history(roomId))).toEqual(['before']);
    const forwards = await bob.expect(
      'GET',
      path`/v3/rooms/${roomId}/messages` + query({ dir: 'f', from: token }),
    );
    expect(texts(forwards.chunk)).toEqual([]);
    const joined = await bob.request('GET', path`/v3/rooms/${roomId}/joined_members`);
    expect(outcome(joined)).toBe('403 M_FORBIDDEN');
  });
});

describe('lists of members (behaviours 20, 21)', () => {
  test('at a token, and by membership', async () => {
    const roomId = await publicRoom();
    await alice.send(roomId, 'alone');
    const filter = JSON.stringify({ room: { timeline: { limit: 1 } } });
    const prevBatch = (await alice.sync({ filter })).rooms?.join?.[roomId]?.timeline.prev_batch;
    await bob.join(roomId);
    const since = (await alice.sync()).next_batch;
    await bob.leave(roomId);
    await outsider.join(roomId);
    const list = async (parameters: Record<string, string | undefined>) =>
      ((await alice.expect('GET', path`/v3/rooms/${roomId}/members` + query(parameters))).chunk ?? []).map(
        (event) => {
          expect(event.room_id).toBe(roomId);
          return event.state_key;
        },
      );
    expect(await list({ at: prevBatch })).toEqual([alice.userId]);
    expect((await list({ at: since })).sort()).toEqual([alice.userId, bob.userId].sort());
    expect((await list({})).sort()).toEqual([alice.userId, bob.userId, outsider.userId].sort());
    expect((await list({ membership: 'join' })).sort()).toEqual([alice.userId, outsider.userId].sort());
    expect(await list({ not_membership: 'join' })).toEqual([bob.userId]);
    expect(await list({ at: since, membership: 'leave' })).toEqual([]);
  });

  test('joined_members has names and avatars, null where there are none', async () => {
    const carol = await newUser('carol');
    const roomId = await publicRoom(carol);
    const { joined } = await alice.expect('GET', path`/v3/rooms/${roomId}/joined_members`);
    for (const userId of [alice.userId, carol.userId]) {
      expect(Object.keys(joined?.[userId] ?? {})).toEqual(
        expect.arrayContaining(['display_name', 'avatar_url']),
      );
    }
  });
});

test('rooms that two users share are told to both, by either path', async () => {
  const [carol, dave] = (await newUsers('carol', 'dave')) as [TestUser, TestUser];
  const roomId = await carol.createRoom({ preset: 'public_chat' });
  await carol.createRoom();
  await dave.join(roomId);
  for (const target of ['/v1/mutual_rooms', '/unstable/uk.half-shot.msc2666/user/mutual_rooms']) {
    const shared = await dave.expect('GET', target + query({ user_id: carol.userId }));
    expect(shared).toEqual({ joined: [roomId], count: 1 });
    const own = await dave.request('GET', target + query({ user_id: dave.userId }));
    expect(outcome(own)).toBe('400 M_INVALID_PARAM');
  }
});
