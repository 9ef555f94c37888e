import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  type ClientEvent,
  login,
  newTransactionId,
  path,
  type SyncFollower,
  type TestUser,
} from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUsers, outcome } from '../users.js';

const { clientApis } = sharedCluster();
const CALL = 'org.matrix.msc3401.call.member';
const LATER = 3_600_000;

let alice: TestUser;
let bob: TestUser;
let roomId: string;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
  roomId = await alice.createRoom({
    preset: 'public_chat',
    power_level_content_override: { events: { [CALL]: 0 } },
  });
  await bob.join(roomId);
});

/** The user through each client-api in turn: nothing may depend on which of them is asked. */
function alternating(user: TestUser): () => TestUser {
  const [one, two] = clientApis.map((url) => user.through(url)) as [TestUser, TestUser];
  let turn = 0;
  return () => ((turn += 1) % 2 === 0 ? one : two);
}

async function schedule(user: TestUser, type: string, body: Record<string, unknown>): Promise<string> {
  const target = path`/v3/rooms/${roomId}/delayed_event/${type}/${newTransactionId()}`;
  return String((await user.expect('PUT', target, body))['delay_id']);
}
const act = (user: TestUser, delayId: string, action: string) =>
  user.request('POST', path`/v1/delayed_events/${delayId}/${action}`);
const look = (user: TestUser, delayId: string) => user.expect('GET', path`/v1/delayed_events/${delayId}`);

/** Follows until an event of that type and content comes. */
async function comes(follower: SyncFollower, type: string, content: object): Promise<ClientEvent> {
  let found: ClientEvent | undefined;
  await follower.until(`${type} ${JSON.stringify(content)}`, (answer) => {
    const events = answer.rooms?.join?.[roomId]?.timeline.events ?? [];
    found = events.find(
      (event) => event.type === type && JSON.stringify(event.content) === JSON.stringify(content),
    );
    return found !== undefined;
  });
  return found as ClientEvent;
}

describe('a call', () => {
  const inCall = { application: 'm.call', device_id: 'D' };

  /** As matrix-js-sdk does it: first what says that it is gone, then that it is there. */
  async function joinCall(user: TestUser, delayMs: number): Promise<{ key: string; delayId: string }> {
    const key = `_${user.userId}_${newTransactionId()}`;
    const target = `${path`/v3/rooms/${roomId}/state/${CALL}/${key}`}?org.matrix.msc4140.delay=${delayMs}`;
    // By hand: the specification knows only the answer without a delay.
    const answer = await fetch(`${user.http.baseUrl}/_matrix/client${target}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${user.session.accessToken}` },
      body: '{}',
    });
    const { delay_id: delayId } = (await answer.json()) as { delay_id: string };
    await user.setState(roomId, CALL, inCall, key);
    return { key, delayId };
  }
  const heartBeat = (user: TestUser, delayId: string) =>
    user.request('POST', path`/unstable/org.matrix.msc4140/delayed_events/${delayId}/restart`);

  test('keeps whoever sends heart-beats, by any instance, and loses who does not', async () => {
    const [next, follower] = [alternating(bob), await alice.follow()];
    const { key, delayId } = await joinCall(next(), 4_000);
    const until = Date.now() + 8_000;
    let beats = 0;
    while (Date.now() < until) {
      expect(outcome(await heartBeat(next(), delayId))).toBe('200');
      expect(await alice.state(roomId, CALL, key)).toEqual(inCall);
      beats += 1;
    }
    expect(beats).toBeGreaterThan(2);
    const left = await comes(follower, CALL, {});
    expect([left.sender, left.state_key]).toEqual([bob.userId, key]);
    expect(await alice.state(roomId, CALL, key)).toEqual({});
    const became = await look(bob, delayId);
    expect(became).toMatchObject({ event_id: left.event_id, state_key: key, content: {} });
    expect(Number(became['finalised_ts'])).toBeGreaterThanOrEqual(Number(became['scheduled_at']) + 4_000);
    // What makes a client of today begin its call anew.
    expect(outcome(await heartBeat(next(), delayId))).toBe('409 M_NOT_FOUND');
  });

  test('is left by sending at once what was to be sent later', async () => {
    const [next, follower] = [alternating(bob), await alice.follow()];
    const { key, delayId } = await joinCall(next(), LATER);
    const answers = await Promise.all([1, 2, 3, 4].map(() => act(next(), delayId, 'send')));
    expect(answers.map(outcome)).toEqual(['200', '200', '200', '200']);
    const left = await comes(follower, CALL, {});
    const became = await look(bob, delayId);
    expect(became['event_id']).toBe(left.event_id);
    expect(Number(became['finalised_ts'])).toBeLessThan(Number(became['scheduled_at']) + LATER);
    const all = (await alice.history(roomId)).filter((event) => event.state_key === key);
    expect(all).toHaveLength(2);
    expect(outcome(await act(next(), delayId, 'cancel'))).toBe('409 M_UNKNOWN');
  });
});

test('what is cancelled never comes, what was scheduled after it does', async () => {
  const follower = await alice.follow();
  const cancelled = await schedule(bob, 'm.test', { delay_ms: 1, content: { n: 'now' } });
  await comes(follower, 'm.test', { n: 'now' });
  expect(outcome(await act(bob, cancelled, 'cancel'))).toBe('409 M_UNKNOWN');
  const never = await schedule(bob, 'm.test', { delay_ms: 3_000, content: { n: 'never' } });
  await schedule(bob, 'm.test', { delay_ms: 3_001, content: { n: 'last' } });
  expect(outcome(await act(alice, never, 'cancel'))).toBe('404 M_NOT_FOUND');
  expect(outcome(await act(bob, never, 'cancel'))).toBe('200');
  await comes(follower, 'm.test', { n: 'last' });
  const texts = (await alice.history(roomId)).map((event) => event.content['n']);
  expect(texts).not.toContain('never');
});

test('what is due at about the same time comes in order', async () => {
  const [next, follower] = [alternating(bob), await alice.follow()];
  const numbers = [5, 1, 4, 2, 3];
  for (const n of numbers) await schedule(next(), 'm.ordered', { delay_ms: 1_500 + n * 100, content: { n } });
  await comes(follower, 'm.ordered', { n: 5 });
  const came = (await alice.history(roomId)).filter(({ type }) => type === 'm.ordered').reverse();
  expect(came.map(({ content }) => content['n'])).toEqual([1, 2, 3, 4, 5]);
});

test('the delay id is told to the sender alone, on every device', async () => {
  const other = await login(sharedCluster().clientUrl, bob.userId);
  const followers = await Promise.all([bob.follow(), other.follow(), alice.follow()]);
  const delayId = await schedule(bob, 'm.mine', { delay_ms: 1, content: {} });
  const seen = await Promise.all(followers.map((follower) => comes(follower, 'm.mine', {})));
  const told = { delay_id: delayId, 'org.matrix.msc4140.delay_id': delayId };
  expect(seen.map(({ unsigned }) => unsigned)).toEqual([
    expect.objectContaining(told),
    expect.objectContaining(told),
    expect.not.objectContaining(told),
  ]);
  expect(seen[2]?.unsigned).not.toHaveProperty('delay_id');
  expect(seen.map(({ unsigned }) => unsigned?.transaction_id)).toEqual([undefined, undefined, undefined]);
  const again = (await bob.expect('GET', path`/v3/rooms/${roomId}/event/${seen[0]?.event_id ?? ''}`))[
    'unsigned'
  ];
  expect(again).toMatchObject(told);
});

test('a delayed join tells its delay id, too', async () => {
  const [dora] = (await newUsers('dora')) as [TestUser];
  const follower = await dora.follow();
  const content = { membership: 'join' };
  const delayId = await schedule(dora, 'm.room.member', { delay_ms: 1, state_key: dora.userId, content });
  const joined = await comes(follower, 'm.room.member', content);
  expect(joined).toMatchObject({ sender: dora.userId, unsigned: { delay_id: delayId } });
});

describe('what may not be sent', () => {
  const topic = { state_key: '', content: { topic: 'by bob' } };

  test('when its time has come, is finalised with its error', async () => {
    const delayId = await schedule(bob, 'm.room.topic', { delay_ms: 1, ...topic });
    const deadline = Date.now() + 15_000;
    let became = await look(bob, delayId);
    while (became['finalised_ts'] === undefined && Date.now() < deadline) became = await look(bob, delayId);
    expect(became).toMatchObject({ error: { errcode: 'M_FORBIDDEN' } });
    expect(became).not.toHaveProperty('event_id');
    expect(outcome(await act(bob, delayId, 'cancel'))).toBe('200');
    expect(outcome(await act(bob, delayId, 'send'))).toBe('409 M_UNKNOWN');
  });

  test('before its time, answers why and goes on waiting: later it may be allowed', async () => {
    const delayId = await schedule(bob, 'm.room.topic', { delay_ms: LATER, ...topic });
    expect(outcome(await act(bob, delayId, 'send'))).toBe('403 M_FORBIDDEN');
    expect(await look(bob, delayId)).not.toHaveProperty('finalised_ts');
    const levels = await alice.state(roomId, 'm.room.power_levels');
    await alice.setState(roomId, 'm.room.power_levels', { ...levels, users: { [bob.userId]: 50 } });
    expect(outcome(await act(bob, delayId, 'send'))).toBe('200');
    expect(await alice.state(roomId, 'm.room.topic')).toMatchObject({ topic: 'by bob' });
    await alice.setState(roomId, 'm.room.power_levels', levels);
  });

  test('because its sender has left, is not; and memberships and redactions can be delayed, too', async () => {
    const [carol] = (await newUsers('carol')) as [TestUser];
    await carol.join(roomId);
    const follower = await alice.follow();
    const message = await alice.send(roomId, 'for a while');
    await schedule(alice, 'm.room.redaction', { delay_ms: 1, content: { redacts: message } });
    await schedule(carol, 'm.room.member', {
      delay_ms: 1,
      state_key: carol.userId,
      content: { membership: 'leave' },
    });
    const left = await comes(follower, 'm.room.member', { membership: 'leave' });
    expect(left.state_key).toBe(carol.userId);
    const delayId = await schedule(carol, 'm.test', { delay_ms: LATER, content: {} });
    expect(outcome(await act(carol, delayId, 'send'))).toBe('403 M_FORBIDDEN');
    await follower.until('the redaction', () =>
      follower.answers.some(({ rooms }) =>
        rooms?.join?.[roomId]?.timeline.events.some(({ type }) => type === 'm.room.redaction'),
      ),
    );
    const redacted = await alice.expect('GET', path`/v3/rooms/${roomId}/event/${message}`);
    expect(redacted['content']).toEqual({});
  });
});

test('as many wait for a user as are allowed, and no more', async () => {
  const [dora] = (await newUsers('dora')) as [TestUser];
  const answers = [];
  for (let i = 0; i < 101; i += 1) {
    const target = path`/v3/rooms/${roomId}/delayed_event/m.test/${newTransactionId()}`;
    answers.push(await dora.request('PUT', target, { delay_ms: LATER, content: {} }));
  }
  expect(answers.slice(0, 100).map(outcome)).toEqual(Array.from({ length: 100 }, () => '200'));
  const last = answers[100];
  expect(last && outcome(last)).toBe('429 M_LIMIT_EXCEEDED');
  expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(3_000);
  const list = (await dora.expect('GET', '/v1/delayed_events'))['delayed_events'] as {
    scheduled_at: number;
  }[];
  expect(list).toHaveLength(100);
});
