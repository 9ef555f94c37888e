import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventId, RoomEvent, UserId } from '@atoll/matrix';
import { endless, hangUp, path, redirect, type RemoteAnswer } from '@atoll/testing';
import { outcome } from '../users.js';
import { deliver, newScene, proveUnharmed, setStage, type Scene, type Stage } from './stage.js';

const MISSING = '/_matrix/federation/v1/get_missing_events/:roomId';
const STATE_IDS = '/_matrix/federation/v1/state_ids/:roomId';
const STATE = '/_matrix/federation/v1/state/:roomId';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.stop());

/** Three events of the scripted server, none of them sent. */
async function sayThrice({ room, mallory }: Scene): Promise<[RoomEvent, RoomEvent, RoomEvent]> {
  return [await room.say(mallory, 'one'), await room.say(mallory, 'two'), await room.say(mallory, 'three')];
}

test('what is missing is asked for and comes in order, without a question for state (behaviour 46)', async () => {
  const scene = await newScene(stage);
  const before = scene.room.heads;
  const [one, two, three] = await sayThrice(scene);
  stage.remote.received.length = 0;
  await deliver(scene, three.pdu);
  await scene.follower.untilEvent(scene.roomId, three.eventId, 20_000);
  const seen = scene.follower.answers.flatMap(
    ({ rooms }) => rooms?.join?.[scene.roomId]?.timeline.events ?? [],
  );
  const wanted = [one, two, three].map(({ eventId }) => eventId as string);
  expect(seen.map((event) => event.event_id).filter((id) => wanted.includes(id))).toEqual(wanted);
  const asked = stage.remote.received.filter((request) => !request.path.includes('/send/'));
  expect(asked.map(({ signature }) => signature)).not.toContain('invalid');
  const paths = asked.map((request) => request.path);
  expect(paths.filter((wanted) => wanted.includes('/get_missing_events/'))).not.toEqual([]);
  expect(paths.filter((unwanted) => unwanted.includes('/state'))).toEqual([]);
  const { body } = asked.find((request) => request.path.includes('/get_missing_events/')) ?? {};
  expect(body).toMatchObject({ earliest_events: before, latest_events: [three.eventId] });
});

describe('the room goes on when the question for what is missing is answered with', () => {
  const answers: Record<string, (scene: Scene, missing: RoomEvent) => Promise<RemoteAnswer> | RemoteAnswer> =
    {
      'the end of the connection': () => hangUp,
      'a text without end': () => endless,
      'a redirect to this machine': () => redirect(`https://${stage.other.serverName}/trap`),
      nothing: () => ({ body: { events: [] } }),
      'no list': () => ({ body: { events: {} } }),
      'what are no events': () => ({ body: { events: [1, null, [], {}, { type: 'm.x' }] } }),
      'an event of another room': async () => {
        const other = await newScene(stage);
        const { pdu } = await other.room.build(message(other));
        return { body: { events: [pdu] } };
      },
    };
  test.each(Object.keys(answers))('%s', async (name) => {
    const scene = await newScene(stage);
    const prev = scene.room.heads;
    const [, two, three] = await sayThrice(scene);
    const honest = stage.remote.on('POST', MISSING, () => answers[name]?.(scene, two) ?? hangUp);
    try {
      await deliver(scene, three.pdu);
      const mine = await stage.alice.send(scene.roomId, 'I am not kept waiting');
      await scene.follower.untilEvent(scene.roomId, mine);
      const { pdu, eventId } = await scene.room.say(scene.mallory, 'beside it', { prev });
      await deliver(scene, pdu);
      await scene.follower.untilEvent(scene.roomId, eventId, 40_000);
    } finally {
      honest();
    }
    expect(stage.other.received.filter((request) => request.path === '/trap')).toEqual([]);
  });
});

const message = ({ mallory }: Scene) => ({
  type: 'm.room.message',
  sender: mallory,
  content: { msgtype: 'm.text', body: 'x' },
});

test('forged events among what was missing are not taken', async () => {
  const scene = await newScene(stage);
  const { room } = scene;
  const prev = room.heads;
  const forged = await room.build({ ...message(scene), sender: stage.alice.userId as UserId }, { prev });
  const child = await room.build(message(scene), { prev: [forged.eventId] });
  const honest = stage.remote.on('POST', MISSING, () => ({ body: { events: [forged.pdu] } }));
  try {
    await deliver(scene, child.pdu);
    await proveUnharmed(scene);
  } finally {
    honest();
  }
  const answer = await stage.alice.request('GET', path`/v3/rooms/${scene.roomId}/event/${forged.eventId}`);
  expect(outcome(answer)).toBe('404 M_NOT_FOUND');
});

test('a state in which the stranger has all power is not believed', async () => {
  const scene = await newScene(stage);
  const { room, mallory, roomId } = scene;
  const levels = await room.build({
    ...{ type: 'm.room.power_levels', sender: mallory, state_key: '' },
    content: { users: { [mallory]: 100 } },
  });
  const types = ['m.room.create', 'm.room.join_rules'];
  const members = [room.current('m.room.member', mallory), room.current('m.room.member', stage.alice.userId)];
  const state = [...types.map((type) => room.current(type)), ...members, levels].flatMap(
    (event) => event ?? [],
  );
  const chain = room.authChain(state.map(({ eventId }) => eventId));
  const undo = [
    stage.remote.on('POST', MISSING, () => ({ body: { events: [] } })),
    stage.remote.on('GET', STATE_IDS, () => ({
      body: {
        pdu_ids: state.map(({ eventId }) => eventId),
        auth_chain_ids: chain.map(({ eventId }) => eventId),
      },
    })),
    stage.remote.on('GET', STATE, () => ({
      body: { pdus: state.map(({ pdu }) => pdu), auth_chain: chain.map(({ pdu }) => pdu) },
    })),
    stage.remote.on('GET', '/_matrix/federation/v1/event/:eventId', ({ parameters }) => {
      const known = [...state, ...chain].find(({ eventId }) => eventId === parameters['eventId']);
      return known === undefined ? { status: 404 } : { body: { pdus: [known.pdu] } };
    }),
  ];
  try {
    const auth = [room.current('m.room.create'), levels, members[0]].map(
      (event) => event?.eventId as EventId,
    );
    const unknown = `$${'u'.repeat(43)}` as EventId;
    const topic = await room.build(
      { type: 'm.room.topic', sender: mallory, state_key: '', content: { topic: 'mine' } },
      { prev: [unknown], auth },
    );
    await deliver(scene, topic.pdu);
    await proveUnharmed(scene);
  } finally {
    for (const one of undo) one();
  }
  const { users } = await stage.alice.state(roomId, 'm.room.power_levels');
  expect(users).toEqual({ [stage.alice.userId]: 100 });
  const answer = await stage.alice.request('GET', path`/v3/rooms/${roomId}/state/m.room.topic/`);
  expect(outcome(answer)).toBe('404 M_NOT_FOUND');
});
