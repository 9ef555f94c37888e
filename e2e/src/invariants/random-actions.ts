import { path, type Answer, type TestUser } from '@atoll/testing';

/** Numbers below one that are the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Actors {
  readonly users: readonly TestUser[];
  readonly roomIds: readonly string[];
  /** Events that were sent, by room. */
  readonly sent: Map<string, string[]>;
  readonly random: () => number;
}

/** Something that a user may try; the server may refuse it. */
type Action = (user: TestUser, roomId: string, actors: Actors) => Promise<Answer>;

let number = 0;

const ACTIONS: readonly (readonly [weight: number, Action])[] = [
  [
    8,
    (user, roomId) =>
      user.request('PUT', sendPath(roomId, 'm.room.message'), {
        msgtype: 'm.text',
        body: `m${(number += 1)}`,
      }),
  ],
  [
    4,
    (user, roomId) =>
      user.request('PUT', path`/v3/rooms/${roomId}/state/m.room.topic`, { topic: `t${(number += 1)}` }),
  ],
  [
    3,
    (user, roomId, { random }) =>
      user.request('PUT', path`/v3/rooms/${roomId}/state/x.key/${String(Math.floor(random() * 4))}`, {
        n: (number += 1),
      }),
  ],
  [5, (user, roomId) => user.request('POST', path`/v3/join/${roomId}`, {})],
  [3, (user, roomId) => user.request('POST', path`/v3/rooms/${roomId}/leave`, {})],
  [
    2,
    (user, roomId, actors) =>
      user.request('POST', path`/v3/rooms/${roomId}/invite`, {
        user_id: pick(actors.users, actors.random).userId,
      }),
  ],
  [
    1,
    (user, roomId, actors) =>
      user.request('POST', path`/v3/rooms/${roomId}/kick`, {
        user_id: pick(actors.users, actors.random).userId,
      }),
  ],
  [
    1,
    (user) =>
      user.request('PUT', path`/v3/profile/${user.userId}/displayname`, { displayname: `n${(number += 1)}` }),
  ],
  [
    2,
    (user, roomId, actors) =>
      user.request(
        'PUT',
        path`/v3/rooms/${roomId}/redact/${eventOf(roomId, actors)}/${`r${(number += 1)}`}`,
        {},
      ),
  ],
  [
    4,
    (user, roomId, actors) =>
      user.request('POST', path`/v3/rooms/${roomId}/receipt/m.read/${eventOf(roomId, actors)}`, {}),
  ],
  [
    2,
    (user, roomId) =>
      user.request('PUT', path`/v3/user/${user.userId}/rooms/${roomId}/tags/u.tag`, {
        order: 0.5,
        n: (number += 1),
      }),
  ],
  [1, (user) => user.request('PUT', path`/v3/user/${user.userId}/account_data/x.data`, { n: (number += 1) })],
  [
    1,
    (user, roomId, { random }) =>
      user.request('PUT', path`/v3/rooms/${roomId}/typing/${user.userId}`, { typing: random() < 0.5 }),
  ],
];

/** Does something as somebody, somewhere. @returns whether it was allowed @throws whatever breaks the connection */
export async function actAtRandom(actors: Actors): Promise<boolean> {
  const { users, roomIds, random, sent } = actors;
  const total = ACTIONS.reduce((sum, [weight]) => sum + weight, 0);
  let at = random() * total;
  const [, action] = ACTIONS.find(([weight]) => (at -= weight) < 0) ?? ACTIONS[0] ?? [];
  const roomId = pick(roomIds, random);
  const answer = await action?.(pick(users, random), roomId, actors);
  if (answer?.status === 200 && typeof answer.body.event_id === 'string') {
    sent.set(roomId, [...(sent.get(roomId) ?? []), answer.body.event_id]);
  }
  return answer?.status === 200;
}

function sendPath(roomId: string, type: string): string {
  return path`/v3/rooms/${roomId}/send/${type}/${`f${(number += 1)}`}`;
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T;
}

function eventOf(roomId: string, { sent, random }: Actors): string {
  const events = sent.get(roomId) ?? [];
  return events.length === 0 ? '$none' : pick(events, random);
}
