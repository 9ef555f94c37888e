import { beforeAll, describe, expect, test } from '@jest/globals';
import { path, query, type ClientEvent, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUsers, outcome, texts, types } from '../users.js';

const { serverName } = sharedCluster();
let alice: TestUser;
let bob: TestUser;
let outsider: TestUser;
beforeAll(async () => {
  [alice, bob, outsider] = (await newUsers('alice', 'bob', 'outsider')) as [TestUser, TestUser, TestUser];
});

interface Story {
  roomId: string;
  /** Ids of the messages said before bob was invited, while he was, while he was in, after he left. */
  said: Record<'before' | 'invited' | 'joined' | 'left', string>;
}

async function tell(visibility: string): Promise<Story> {
  const roomId = await alice.createRoom({
    preset: 'private_chat',
    initial_state: [
      {
        type: 'm.room.history_visibility',
        state_key: '',
        content: { history_visibility: visibility },
      },
    ],
  });
  const before = await alice.send(roomId, 'before');
  await alice.invite(roomId, bob.userId);
  const invited = await alice.send(roomId, 'invited');
  await bob.join(roomId);
  const joined = await alice.send(roomId, 'joined');
  await bob.leave(roomId);
  const left = await alice.send(roomId, 'left');
  return { roomId, said: { before, invited, joined, left } };
}

/** What each way of reading gives to a user: of the four messages, those that he gets. */
const ways: Record<string, (who: TestUser, story: Story) => Promise<string[]>> = {
  'GET /event': async (who, { roomId, said }) => {
    const seen: string[] = [];
    for (const [name, eventId] of Object.entries(said)) {
      const answer = await who.request('GET', path`/v3/rooms/${roomId}/event/${eventId}`);
      if (answer.status === 200) seen.push(name);
      else expect(outcome(answer)).toBe('404 M_NOT_FOUND');
    }
    return seen;
  },
  'GET /messages': async (who, { roomId }) => texts(await who.history(roomId)).reverse(),
  'GET /context': async (who, { roomId, said }) => {
    const seen: string[] = [];
    for (const [name, eventId] of Object.entries(said)) {
      const answer = await who.request(
        'GET',
        path`/v3/rooms/${roomId}/context/${eventId}` + query({ limit: 0 }),
      );
      if (answer.status === 200) seen.push(name);
      else expect(answer.body.errcode).toMatch(/^M_(NOT_FOUND|FORBIDDEN)$/);
    }
    return seen;
  },
  'GET /context around what is visible': async (who, { roomId, said }) => {
    const answer = await who.request(
      'GET',
      path`/v3/rooms/${roomId}/context/${said.joined}` + query({ limit: 20 }),
    );
    const found = answer.body as {
      events_before?: ClientEvent[];
      event?: ClientEvent;
      events_after?: ClientEvent[];
    };
    const around = found.event ? [found.event] : [];
    return texts([...(found.events_before ?? []).reverse(), ...around, ...(found.events_after ?? [])]);
  },
  'GET /sync of the left room': async (who, { roomId }) => {
    const filter = JSON.stringify({ room: { include_leave: true, timeline: { limit: 50 } } });
    return texts((await who.sync({ filter })).rooms?.leave?.[roomId]?.timeline.events);
  },
};

describe.each([
  ['joined', ['joined']],
  ['invited', ['invited', 'joined']],
  ['shared', ['before', 'invited', 'joined']],
  ['world_readable', ['before', 'invited', 'joined', 'left']],
])('history_visibility %s (behaviour 35)', (visibility, expected) => {
  let story: Story;
  beforeAll(async () => {
    story = await tell(visibility);
  });

  test.each(Object.keys(ways))('%s', async (way) => {
    const seen = (await ways[way]?.(bob, story)) ?? [];
    // A world-readable room may show departed members what came after, but sync and paging end at the leave.
    if (visibility !== 'world_readable' || way === 'GET /event') expect(seen).toEqual(expected);
    else expect(['before,invited,joined', 'before,invited,joined,left']).toContain(seen.join());
  });

  test('outsiders read only what is world-readable', async () => {
    const { roomId, said } = story;
    const world = visibility === 'world_readable';
    const event = await outsider.request('GET', path`/v3/rooms/${roomId}/event/${said.before}`);
    expect(outcome(event)).toBe(world ? '200' : '404 M_NOT_FOUND');
    const messages = await outsider.request('GET', path`/v3/rooms/${roomId}/messages` + query({ dir: 'b' }));
    const state = await outsider.request('GET', path`/v3/rooms/${roomId}/state`);
    const context = await outsider.request('GET', path`/v3/rooms/${roomId}/context/${said.before}`);
    for (const answer of [messages, state]) expect(outcome(answer)).toBe(world ? '200' : '403 M_FORBIDDEN');
    expect(context.status === 200).toBe(world);
    expect((await outsider.sync()).rooms?.join?.[roomId]).toBeUndefined();
  });
});

describe('pages (behaviour 35)', () => {
  test('have no end where the room begins', async () => {
    const roomId = await alice.createRoom();
    const page = await alice.expect(
      'GET',
      path`/v3/rooms/${roomId}/messages` + query({ dir: 'b', limit: 100 }),
    );
    expect(types(page.chunk).at(-1)).toBe('m.room.create');
    expect(page.end).toBeUndefined();
  });

  test('of an unknown room are forbidden', async () => {
    const unknown = `!unknown:${serverName}`;
    const answer = await alice.request('GET', path`/v3/rooms/${unknown}/messages` + query({ dir: 'b' }));
    expect(outcome(answer)).toBe('403 M_FORBIDDEN');
  });

  test('forwards and backwards tell the same', async () => {
    const roomId = await alice.createRoom();
    for (let n = 0; n < 12; n += 1) await alice.send(roomId, `line ${n}`);
    const backwards = texts(await alice.history(roomId));
    const forwards: string[] = [];
    let from: string | undefined;
    do {
      const page = await alice.expect(
        'GET',
        path`/v3/rooms/${roomId}/messages` + query({ dir: 'f', limit: 5, from }),
      );
      forwards.push(...texts(page.chunk));
      from = page.end;
    } while (from !== undefined);
    expect(forwards).toEqual(backwards.reverse());
    expect(forwards).toHaveLength(12);
  });

  test('a redacted event keeps its place without its content', async () => {
    const roomId = await alice.createRoom();
    const eventId = await alice.send(roomId, 'gone');
    const redaction = await alice.redact(roomId, eventId, 'why not');
    const event = (await alice.history(roomId)).find((one) => one.event_id === eventId);
    expect(event?.content).toEqual({});
    expect(event?.unsigned?.redacted_because?.event_id).toBe(redaction);
  });
});
