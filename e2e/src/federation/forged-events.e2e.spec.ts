import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateSigningKey } from '@atoll/event-crypto';
import type { EventId, JsonObject, RoomEvent, UserId } from '@atoll/matrix';
import { keyAnswer, path, type TestUser } from '@atoll/testing';
import { outcome } from '../users.js';
import { deliver, newScene, proveUnharmed, setStage, type Scene, type Stage } from './stage.js';

const HOUR_MS = 3_600_000;
/** A key of the scripted server that expired an hour ago. */
const retiredKey = generateSigningKey();

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
  const { remote } = stage;
  const oldKeys = [{ key: retiredKey, expiredTs: Date.now() - HOUR_MS }];
  remote.on('GET', '/_matrix/key/v2/server', () => keyAnswer(remote, { oldKeys }));
});
afterAll(() => stage.stop());

const message = (body: string): JsonObject => ({ msgtype: 'm.text', body });
const says = (sender: string, body: string) => ({
  type: 'm.room.message',
  sender: sender as UserId,
  content: message(body),
});
const retired = () => ({ serverName: stage.remote.serverName, key: retiredKey });

/** Delivers forgeries; afterwards neither sync nor any other way of reading has them, and the room goes on. */
async function expectRefused(scene: Scene, ...forged: readonly (RoomEvent | Forgery)[]): Promise<void> {
  const answer = await deliver(scene, ...forged.map((event) => ('text' in event ? event.text : event.pdu)));
  expect(answer.status).toBe(200);
  const seen = (await proveUnharmed(scene)).flatMap(({ timeline, state }) => [
    ...timeline.events,
    ...(state?.events ?? []),
  ]);
  for (const { eventId } of forged) {
    expect(seen.map((event) => event.event_id)).not.toContain(eventId);
    expect(await readEvent(stage.alice, scene.roomId, eventId)).toBe('404 M_NOT_FOUND');
  }
}

/** An event in a form that no object has. */
interface Forgery {
  readonly eventId: string;
  readonly text: string;
}

async function readEvent(user: TestUser, roomId: string, eventId: string): Promise<string> {
  return outcome(await user.request('GET', path`/v3/rooms/${roomId}/event/${eventId}`));
}

type Forge = (scene: Scene) => Promise<RoomEvent>;

describe('signatures', () => {
  const forgeries: Record<string, Forge> = {
    'in the name of a local user': ({ room }) => room.build(says(stage.alice.userId, 'forged')),
    'in the name of a local user and his server': ({ room }) => {
      const { key } = stage.remote;
      const signers = [{ serverName: stage.atoll.serverName, key }];
      return room.build(says(stage.alice.userId, 'forged'), { signers });
    },
    'signed by nobody': ({ room, mallory }) => room.build(says(mallory, 'forged'), { signers: [] }),
    'signed by another server only': ({ room, mallory }) =>
      room.build(says(mallory, 'forged'), { signers: [stage.other] }),
    'signed with a key that the server does not publish': ({ room, mallory }) => {
      const signers = [{ serverName: stage.remote.serverName, key: generateSigningKey() }];
      return room.build(says(mallory, 'forged'), { signers });
    },
    'signed before it was changed': async ({ room, mallory }) => {
      const { pdu } = await room.build(says(mallory, 'forged'));
      return room.read({ ...pdu, depth: pdu.depth + 1 });
    },
    'signed with a key that had expired': ({ room, mallory }) =>
      room.build(says(mallory, 'forged'), { signers: [retired()] }),
    'of a time when its key will be valid no more': ({ room, mallory }) =>
      room.build({ ...says(mallory, 'forged'), origin_server_ts: Date.now() + 48 * HOUR_MS }),
  };
  test.each(Object.keys(forgeries))('an event %s is dropped', async (name) => {
    const scene = await newScene(stage);
    const forged = (await forgeries[name]?.(scene)) as RoomEvent;
    await expectRefused(scene, forged);
  });

  test('an event of the time of a key that has expired since is taken', async () => {
    const scene = await newScene(stage);
    const draft = { ...says(scene.mallory, 'old'), origin_server_ts: Date.now() - 2 * HOUR_MS };
    const old = await scene.room.append(draft, { signers: [retired()] });
    await deliver(scene, old.pdu);
    await proveUnharmed(scene);
    expect(await readEvent(stage.alice, scene.roomId, old.eventId)).toBe('200');
  });
});

describe('contents', () => {
  test('of another event than was hashed are redacted', async () => {
    const scene = await newScene(stage);
    const said = await scene.room.append(says(scene.mallory, 'what was signed'));
    await deliver(scene, { ...said.pdu, content: message('what was put there') });
    const seen = await scene.follower.untilEvent(scene.roomId, said.eventId, 20_000);
    expect(seen.content).toEqual({});
    await proveUnharmed(scene);
  });

  test('do not change when the event comes again with others', async () => {
    const scene = await newScene(stage);
    const said = await scene.room.append(says(scene.mallory, 'first'));
    await deliver(scene, said.pdu);
    await scene.follower.untilEvent(scene.roomId, said.eventId, 20_000);
    await deliver(scene, { ...said.pdu, content: message('second') });
    await proveUnharmed(scene);
    const event = await stage.alice.expect('GET', path`/v3/rooms/${scene.roomId}/event/${said.eventId}`);
    expect(event['content']).toEqual(message('first'));
  });

  test.each(['1', '2'])('of a chosen id stay those that came first (room version %s)', async (version) => {
    const scene = await newScene(stage, version);
    const said = await scene.room.append(says(scene.mallory, 'first'));
    await deliver(scene, said.pdu);
    await scene.follower.untilEvent(scene.roomId, said.eventId, 20_000);
    const again = await scene.room.build({ ...says(scene.mallory, 'second'), event_id: said.eventId });
    await deliver(scene, again.pdu);
    await proveUnharmed(scene);
    const event = await stage.alice.expect('GET', path`/v3/rooms/${scene.roomId}/event/${said.eventId}`);
    expect(event['content']).toEqual(message('first'));
  });
});

describe('form', () => {
  const forgeries: Record<string, Forge> = {
    'with a float': ({ room, mallory }) => room.build({ type: 'm.x', sender: mallory, content: { n: 1.5 } }),
    'with a large integer': ({ room, mallory }) =>
      room.build({ type: 'm.x', sender: mallory, content: { n: 2 ** 60 } }),
    'with a negative depth': ({ room, mallory }) => room.build({ ...says(mallory, 'x'), depth: -1 }),
    'with a depth that is no number': ({ room, mallory }) =>
      room.build({ ...says(mallory, 'x'), depth: '5' as unknown as number }),
    'of more than 65,536 bytes': ({ room, mallory }) => room.build(says(mallory, 'x'.repeat(66_000))),
    'with a type of more than 255 bytes': ({ room, mallory }) =>
      room.build({ type: 'x'.repeat(256), sender: mallory, content: {} }),
    'with 21 prev_events': ({ room, mallory }) =>
      room.build(says(mallory, 'x'), { prev: Array<EventId>(21).fill(room.heads[0] as EventId) }),
    'with 11 auth_events': ({ room, mallory }) =>
      room.build(says(mallory, 'x'), { auth: Array<EventId>(11).fill(room.heads[0] as EventId) }),
  };
  test.each(Object.keys(forgeries))('an event %s is dropped', async (name) => {
    const scene = await newScene(stage);
    await expectRefused(scene, (await forgeries[name]?.(scene)) as RoomEvent);
  });

  test('a number that only looks whole to JavaScript is a float all the same', async () => {
    const scene = await newScene(stage);
    const { pdu, eventId } = await scene.room.build({
      type: 'm.x',
      sender: scene.mallory,
      content: { n: 1234567 },
    });
    await expectRefused(scene, { eventId, text: JSON.stringify(pdu).replace('1234567', '1234567.0') });
  });

  test('what is no event at all harms nothing', async () => {
    const scene = await newScene(stage);
    const roomId = JSON.stringify(scene.roomId);
    for (const text of [
      'null',
      '[]',
      '"x"',
      '{}',
      `{"room_id":${roomId}}`,
      `{"room_id":${roomId},"type":[]}`,
    ]) {
      await deliver(scene, text);
    }
    await proveUnharmed(scene);
  });

  test('the largest depth there is does not end the room', async () => {
    const scene = await newScene(stage);
    const deep = { ...says(scene.mallory, 'deep'), depth: Number.MAX_SAFE_INTEGER };
    const { pdu, eventId } = await scene.room.build(deep);
    await deliver(scene, pdu);
    await scene.follower.untilEvent(scene.roomId, eventId, 20_000);
    const answer = await stage.alice.send(scene.roomId, 'I can still speak');
    await scene.follower.untilEvent(scene.roomId, answer);
    await proveUnharmed(scene);
  });
});

describe('authority', () => {
  const forgeries: Record<string, Forge> = {
    'that his level does not allow': ({ room, mallory }) =>
      room.build({
        ...{ type: 'm.room.power_levels', sender: mallory, state_key: '' },
        content: { users: { [mallory]: 100 } },
      }),
    'without the member event among its auth events': ({ room, mallory }) => {
      const auth = ['m.room.create', 'm.room.power_levels'].map(
        (type) => room.current(type)?.eventId as EventId,
      );
      return room.build(says(mallory, 'forged'), { auth });
    },
    'without auth events': ({ room, mallory }) => room.build(says(mallory, 'forged'), { auth: [] }),
    'with an auth event that is none': ({ room, mallory }) => {
      const types = ['m.room.create', 'm.room.power_levels', 'm.room.join_rules'];
      const auth = types.map((type) => room.current(type)?.eventId as EventId);
      const member = room.current('m.room.member', mallory)?.eventId as EventId;
      return room.build(says(mallory, 'forged'), { auth: [...auth, member] });
    },
    'of a user who is not in the room': ({ room }) =>
      room.build(says(stage.remote.user('stranger'), 'forged')),
    'that makes another user join': ({ room, mallory }) =>
      room.build({
        ...{ type: 'm.room.member', sender: mallory, state_key: stage.remote.user('stranger') },
        content: { membership: 'join' },
      }),
    'that creates the room again': ({ room, mallory }) =>
      room.build({ type: 'm.room.create', sender: mallory, state_key: '', content: { room_version: '11' } }),
  };
  test.each(Object.keys(forgeries))('an event %s is refused', async (name) => {
    const scene = await newScene(stage);
    await expectRefused(scene, (await forgeries[name]?.(scene)) as RoomEvent);
  });

  test('from another room counts for nothing', async () => {
    const [scene, elsewhere] = [await newScene(stage), await newScene(stage)];
    const own = ['m.room.create', 'm.room.power_levels'].map(
      (type) => scene.room.current(type)?.eventId as EventId,
    );
    const member = elsewhere.room.current('m.room.member', scene.mallory)?.eventId as EventId;
    await expectRefused(scene, await scene.room.build(says(scene.mallory, 'x'), { auth: [...own, member] }));
  });

  test('that was lost before the event does not count, though he has it again by now', async () => {
    const scene = await newScene(stage);
    const { room, mallory, roomId } = scene;
    const { users, ...levels } = await stage.alice.state(roomId, 'm.room.power_levels');
    const grant = (level: number) => {
      const granted = { ...levels, users: { ...(users as object), [mallory]: level } };
      return stage.alice.setState(roomId, 'm.room.power_levels', granted);
    };
    const had = await grant(50);
    await grant(0);
    await stage.remote.join(stage.atoll, roomId, stage.remote.user('accomplice'));
    const prev = room.heads;
    await grant(50);
    const [create, member] = [room.current('m.room.create'), room.current('m.room.member', mallory)];
    const auth = [create?.eventId, had, member?.eventId] as EventId[];
    const topic = { type: 'm.room.topic', sender: mallory, state_key: '', content: { topic: 'mine' } };
    await expectRefused(scene, await room.build(topic, { prev, auth }));
  });

  test('that was refused is no authority for others (behaviour 47)', async () => {
    const scene = await newScene(stage);
    const { room, mallory } = scene;
    const levels = await room.build({
      ...{ type: 'm.room.power_levels', sender: mallory, state_key: '' },
      content: { users: { [mallory]: 100 } },
    });
    const auth = [room.current('m.room.create'), levels, room.current('m.room.member', mallory)];
    const topic = await room.build(
      { type: 'm.room.topic', sender: mallory, state_key: '', content: { topic: 'mine' } },
      { auth: auth.map((event) => event?.eventId as EventId) },
    );
    await expectRefused(scene, levels, topic);
    const answer = await stage.alice.request('GET', path`/v3/rooms/${scene.roomId}/state/m.room.topic/`);
    expect(outcome(answer)).toBe('404 M_NOT_FOUND');
  });

  test.each(['1', '2'])('in a circle is none (room version %s)', async (version) => {
    const scene = await newScene(stage, version);
    const { room, mallory } = scene;
    const { serverName } = stage.remote;
    const [one, two] = [`$one:${serverName}`, `$two:${serverName}`] as [EventId, EventId];
    const first = await room.build({ ...says(mallory, '1'), event_id: one }, { prev: [two] });
    const second = await room.build({ ...says(mallory, '2'), event_id: two }, { prev: [one] });
    const self = `$self:${serverName}` as EventId;
    const own = await room.build({ ...says(mallory, '3'), event_id: self }, { prev: [self], auth: [self] });
    await expectRefused(scene, first, second, own);
  });
});

describe('banned', () => {
  test('a user does not return through a fork from before the ban', async () => {
    const scene = await newScene(stage);
    const { room, mallory, roomId } = scene;
    const prev = room.heads;
    const accomplice = stage.remote.user('accomplice');
    await stage.remote.join(stage.atoll, roomId, accomplice);
    await stage.alice.ban(roomId, mallory);
    const old = await room.build(says(mallory, 'from the past'), { prev });
    const content = { membership: 'join', displayname: 'again' };
    const again = await room.build(
      { type: 'm.room.member', sender: mallory, state_key: mallory, content },
      { prev },
    );
    await expectRefused({ ...scene, mallory: accomplice }, old, again);
    const state = await stage.alice.state(roomId, 'm.room.member', mallory);
    expect(state).toMatchObject({ membership: 'ban' });
  });

  test('a server says nothing more in a room whose ACL denies it (behaviour 49)', async () => {
    const scene = await newScene(stage);
    const { room, mallory, roomId, follower } = scene;
    const prev = room.heads;
    await stage.alice.setState(roomId, 'm.room.server_acl', { allow: ['*'], deny: ['localhost'] });
    const denied = await room.build(says(mallory, 'denied'), { prev });
    await deliver(scene, denied.pdu);
    const mark = await stage.alice.send(roomId, 'afterwards');
    await follower.untilEvent(roomId, mark);
    expect(await readEvent(stage.alice, roomId, denied.eventId)).toBe('404 M_NOT_FOUND');
    await proveUnharmed(await newScene(stage));
  });
});
