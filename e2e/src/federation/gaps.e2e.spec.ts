import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventId, RoomEvent } from '@atoll/matrix';
import { path, query, type ClientEvent, type TestUser } from '@atoll/testing';
import { listOf, SlidingClient } from '../sliding-client.js';
import { ids, texts } from '../users.js';
import { eventually } from './eventually.js';
import { deliver, newScene, setStage, type Scene, type Stage } from './stage.js';

const MISSING = '/_matrix/federation/v1/get_missing_events/:roomId';

let stage: Stage;
let alice: TestUser;
beforeAll(async () => {
  stage = await setStage();
  ({ alice } = stage);
});
afterAll(() => stage.stop());

/** The room's part of one sync. */
async function syncOf(roomId: string, since: string | undefined, timeline: object) {
  const answer = await alice.sync({ since, filter: JSON.stringify({ room: { timeline } }) });
  return { next: answer.next_batch, room: answer.rooms?.join?.[roomId] };
}

/** All that comes when one goes back from a token, the newest first. */
async function backFrom(roomId: string, token: string | undefined): Promise<ClientEvent[]> {
  const events: ClientEvent[] = [];
  let from = token;
  do {
    const target = path`/v3/rooms/${roomId}/messages` + query({ dir: 'b', limit: 30, from });
    const page = await alice.expect('GET', target);
    events.push(...(page.chunk ?? []));
    from = page.end;
  } while (from !== undefined);
  return events;
}

/** Sends an event of the scripted server and waits until the local user has it. */
async function arrive(scene: Scene, event: RoomEvent): Promise<void> {
  await deliver(scene, event.pdu);
  await scene.follower.untilEvent(scene.roomId, event.eventId, 40_000);
}

/** Also the scripted server knows it then. */
async function letEverybodySetTopics({ roomId, room, follower }: Scene): Promise<void> {
  const powers = await alice.state(roomId, 'm.room.power_levels');
  const eventId = await alice.setState(roomId, 'm.room.power_levels', {
    ...powers,
    events: { 'm.room.topic': 0 },
  });
  await eventually(() => Promise.resolve(room.events.has(eventId as EventId)), Boolean);
  await follower.untilEvent(roomId, eventId);
}

describe('a gap of which other servers give only the end (behaviour 25)', () => {
  const LIMIT = { limit: 20 };
  let scene: Scene;
  /** From before all of it. */
  let since: string;
  /** Knows the room as of then. */
  let slider: SlidingClient;
  let missed: RoomEvent[];
  let last: RoomEvent;

  beforeAll(async () => {
    scene = await newScene(stage);
    const { roomId, room, mallory, follower } = scene;
    await letEverybodySetTopics(scene);
    since = follower.since;
    slider = new SlidingClient(alice);
    await slider.next({ lists: listOf({ timeline_limit: 15 }) });
    const mine = (await alice.send(roomId, 'before the gap')) as EventId;
    await eventually(() => Promise.resolve(room.events.has(mine)), Boolean);
    missed = [await room.setState(mallory, 'm.room.topic', { topic: 'set in the gap' })];
    for (let n = 1; n < 50; n += 1) missed.push(await room.say(mallory, `missing ${n}`));
    const told = missed.slice(-10).map(({ pdu }) => pdu);
    const honest = stage.remote.on('POST', MISSING, () => ({ body: { events: told } }));
    try {
      last = await room.say(mallory, 'after the gap');
      await arrive(scene, last);
    } finally {
      honest();
    }
  });

  const afterTheGap = () => [...missed.slice(-10), last].map(({ eventId }) => eventId as string);

  test.each(['since before it', 'a first sync'])('is in no timeline of %s', async (kind) => {
    const { room } = await syncOf(scene.roomId, kind === 'a first sync' ? undefined : since, LIMIT);
    expect(ids(room?.timeline.events)).toEqual(afterTheGap());
    expect(room?.timeline.limited).toBe(true);
    const topics = room?.state?.events.filter(({ type }) => type === 'm.room.topic');
    expect(topics?.map(({ content }) => content)).toEqual([{ topic: 'set in the gap' }]);
  });

  test.each([15, 20])('is in no timeline of sliding sync (%i events asked for, 15 before)', async (limit) => {
    const before = slider.pos;
    const { rooms } = await slider.next({ lists: listOf({ timeline_limit: limit }) });
    slider.pos = before;
    expect(ids(rooms[scene.roomId]?.timeline)).toEqual(afterTheGap());
    expect(rooms[scene.roomId]?.limited).toBe(true);
  });

  test('a timeline that begins behind it is not limited', async () => {
    const before = await syncOf(scene.roomId, since, { limit: 1 });
    expect(ids(before.room?.timeline.events)).toEqual([last.eventId]);
    const next = await alice.send(scene.roomId, 'news');
    const { room } = await syncOf(scene.roomId, before.next, LIMIT);
    expect([room?.timeline.limited, ids(room?.timeline.events)]).toEqual([false, [next]]);
  });

  test('is closed by going back from prev_batch, and stays out of timelines', async () => {
    const { room } = await syncOf(scene.roomId, since, { limit: 20 });
    const found = await backFrom(scene.roomId, room?.timeline.prev_batch);
    const older = missed.slice(0, -10).map(({ eventId }) => eventId as string);
    expect(ids(found).slice(0, older.length)).toEqual(older.toReversed());
    expect(texts(found.slice(older.length))).toEqual(['before the gap']);
    expect(found.at(-1)?.type).toBe('m.room.create');
    expect(new Set(ids(found)).size).toBe(found.length);
    const again = await syncOf(scene.roomId, since, LIMIT);
    expect(again.room?.timeline.limited).toBe(true);
    expect(texts(again.room?.timeline.events)).not.toContain('before the gap');
  });
});

test('a gap that other servers fill is none: all of it comes, in order (behaviour 25)', async () => {
  const scene = await newScene(stage);
  const { roomId, room, mallory, follower } = scene;
  const { since } = follower;
  const said: string[] = [];
  for (let n = 0; n < 50; n += 1) said.push((await room.say(mallory, `missing ${n}`)).eventId);
  const last = await room.say(mallory, 'after them');
  await arrive(scene, last);
  const { room: told } = await syncOf(roomId, since, { limit: 60 });
  expect([told?.timeline.limited, ids(told?.timeline.events)]).toEqual([false, [...said, last.eventId]]);
});

test('older events that come late are told once, and prev_batch goes back over the others (behaviour 25)', async () => {
  const scene = await newScene(stage);
  const { roomId, room, mallory } = scene;
  const prev = room.heads;
  const sent: string[] = [];
  for (let n = 0; n < 5; n += 1) sent.push(await alice.send(roomId, `mine ${n}`));
  const late = await room.say(mallory, 'said long before', { prev });
  await arrive(scene, late);
  const first = await syncOf(roomId, undefined, { limit: 1 });
  expect(ids(first.room?.timeline.events)).toEqual([late.eventId]);
  const before = await backFrom(roomId, first.room?.timeline.prev_batch);
  expect(texts(before)).toEqual(['mine 4', 'mine 3', 'mine 2', 'mine 1', 'mine 0']);
  expect(before.at(-1)?.type).toBe('m.room.create');
});

test.each([
  ['a filter hides', { types: ['m.room.message'] }],
  ['the limit leaves out', { limit: 1 }],
])('state of a fork whose event %s comes in state (behaviour 26)', async (_way, timeline) => {
  const scene = await newScene(stage);
  const { roomId, room, mallory, follower } = scene;
  await letEverybodySetTopics(scene);
  const since = follower.since;
  const prev = room.heads;
  await alice.setState(roomId, 'm.room.name', { name: 'on the other branch' });
  const topic = await room.setState(mallory, 'm.room.topic', { topic: 'of a fork' }, '', { prev });
  await arrive(scene, topic);
  const heard = await alice.send(roomId, 'heard');
  const { room: told } = await syncOf(roomId, since, timeline);
  expect(ids(told?.timeline.events)).toEqual([heard]);
  const state = Object.fromEntries((told?.state?.events ?? []).map(({ type, content }) => [type, content]));
  expect(state).toMatchObject({
    'm.room.name': { name: 'on the other branch' },
    'm.room.topic': { topic: 'of a fork' },
  });
});

test.each(['10', '11'])(
  'a token that points at a redaction of an unknown event is one to go on from (behaviour 27, room version %s)',
  async (version) => {
    const scene = await newScene(stage, version);
    const { roomId, room, mallory } = scene;
    const redacts = { redacts: `$${'u'.repeat(43)}` as EventId };
    const redaction = await room.append({
      type: 'm.room.redaction',
      sender: mallory,
      ...(version === '11' ? { content: redacts } : { content: {}, ...redacts }),
    });
    await deliver(scene, redaction.pdu);
    const look = () => alice.request('GET', path`/v3/rooms/${roomId}/event/${redaction.eventId}`);
    expect(await eventually(look, ({ status }) => status === 200)).toMatchObject({ status: 200 });
    const { next_batch: token } = await alice.sync();
    await arrive(scene, await room.say(mallory, 'afterwards'));
    const { room: news } = await syncOf(roomId, token, {});
    expect([news?.timeline.limited, texts(news?.timeline.events)]).toEqual([false, ['afterwards']]);
    const { room: told } = await syncOf(roomId, undefined, { limit: 1 });
    expect(texts(told?.timeline.events)).toEqual(['afterwards']);
    const before = await backFrom(roomId, told?.timeline.prev_batch);
    expect(before.at(-1)?.type).toBe('m.room.create');
  },
);

test('of events of one time, the first or the last in the room is the closest (behaviour 38)', async () => {
  const scene = await newScene(stage);
  const { roomId, room, mallory } = scene;
  const origin_server_ts = Date.now() + 60_000;
  const draft = (body: string) => ({
    type: 'm.room.message',
    sender: mallory,
    origin_server_ts,
    content: { msgtype: 'm.text', body },
  });
  const [one, two, three] = [
    await room.append(draft('one')),
    await room.append(draft('two')),
    await room.append(draft('three')),
  ];
  await deliver(scene, one.pdu, two.pdu, three.pdu);
  await scene.follower.untilEvent(roomId, three.eventId, 20_000);
  const closest = async (ts: number, dir: string) =>
    (await alice.expect('GET', path`/v1/rooms/${roomId}/timestamp_to_event` + query({ ts, dir }))).event_id;
  for (const ts of [origin_server_ts, origin_server_ts - 1]) expect(await closest(ts, 'f')).toBe(one.eventId);
  for (const ts of [origin_server_ts, origin_server_ts + 1])
    expect(await closest(ts, 'b')).toBe(three.eventId);
});
