import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventId, Pdu, RoomEvent, UserId } from '@atoll/matrix';
import { path, query, RemoteServer, RoomLog, type RemoteRoom } from '@atoll/testing';
import { outcome } from '../users.js';
import { saidIn } from './across.js';
import { deliver, newScene, proveUnharmed, setStage, type Scene, type Stage } from './stage.js';

const BACKFILL = '/_matrix/federation/v1/backfill/:roomId';
const EVENT_AUTH = '/_matrix/federation/v1/event_auth/:roomId/:eventId';

let stage: Stage;
let log: RoomLog;
/** A server that access control lists can tell from the others, whose names differ in their ports only. */
let denied: RemoteServer;
beforeAll(async () => {
  denied = await RemoteServer.start('127.0.0.1');
  stage = await setStage([denied]);
  log = await RoomLog.connect(stage.atoll.databaseUrl);
});
afterAll(async () => {
  await log.close();
  await stage.stop();
});

const says = (sender: string, body: string) => ({
  type: 'm.room.message',
  sender: sender as UserId,
  content: { msgtype: 'm.text', body },
});
const idsOf = (events: readonly RoomEvent[]) => events.map(({ eventId }) => eventId);
const read = async (roomId: string, { eventId }: RoomEvent) =>
  outcome(await stage.alice.request('GET', path`/v3/rooms/${roomId}/event/${eventId}`));

/** A room of the scripted server that the local user is in, with what was said there before. */
async function joinedRoom(say: (room: RemoteRoom) => Promise<void>): Promise<RemoteRoom> {
  const { remote, alice } = stage;
  const room = await remote.createRoom({ creator: remote.user('mallory') });
  await say(room);
  await alice.expect('POST', path`/v3/join/${room.roomId}` + query({ via: remote.serverName }), {});
  return room;
}

/** Events that no server may take, whoever shows them, all of them as if they followed `prev`. */
async function falseEvents(room: RemoteRoom, prev: readonly EventId[]): Promise<Record<string, RoomEvent>> {
  const mallory = stage.remote.user('mallory');
  const elsewhere = await joinedRoom(() => Promise.resolve());
  return {
    'in the name of a local user': await room.build(says(stage.alice.userId, 'false'), { prev }),
    'signed by nobody': await room.build(says(mallory, 'false'), { prev, signers: [] }),
    'signed by another server': await room.build(says(mallory, 'false'), { prev, signers: [stage.other] }),
    'of another room': await elsewhere.build(says(mallory, 'false')),
  };
}

test('of a false answer to /backfill only what is true is taken', async () => {
  const { remote, alice } = stage;
  const mallory = remote.user('mallory');
  let forged: Record<string, RoomEvent> = {};
  let changed: RoomEvent | undefined;
  let shown: Pdu[] = [];
  const room = await joinedRoom(async (made) => {
    const first = await made.say(mallory, 'first');
    forged = await falseEvents(made, [first.eventId]);
    changed = await made.build(says(mallory, 'what was hashed'), { prev: [first.eventId] });
    // Without a right to speak: an event like any other, but refused.
    const stranger = await made.build(says(remote.user('stranger'), 'uninvited'), { prev: [first.eventId] });
    forged['of a user who is not in the room'] = stranger;
    const prev = [first.eventId, changed.eventId, ...idsOf(Object.values(forged))];
    const last = await made.say(mallory, 'last', { prev });
    const lie = { ...changed.pdu, content: { msgtype: 'm.text', body: 'what was put there' } };
    shown = [last.pdu, lie, ...Object.values(forged).map(({ pdu }) => pdu), first.pdu];
  });
  const honest = remote.on('GET', BACKFILL, () => ({ body: { pdus: shown } }));
  try {
    expect(await saidIn(alice, room.roomId)).toEqual(['first', 'last']);
  } finally {
    honest();
  }
  const { content } = await alice.expect(
    'GET',
    path`/v3/rooms/${room.roomId}/event/${changed?.eventId ?? ''}`,
  );
  expect(content).toEqual({});
  for (const [name, event] of Object.entries(forged)) {
    expect([name, await read(room.roomId, event)]).toEqual([name, '404 M_NOT_FOUND']);
    expect(await read(event.roomId, event)).toBe('404 M_NOT_FOUND');
    const stored = name === 'of a user who is not in the room' ? 'rejected' : undefined;
    expect([name, await log.statusOf(event.eventId)]).toEqual([name, stored]);
  }
  const follower = await alice.follow();
  await proveUnharmed({ stage, room, roomId: room.roomId, mallory, follower });
});

describe('authority that an answer to /event_auth shows is none when it is', () => {
  const power = (sender: string) => ({
    ...{ type: 'm.room.power_levels', sender: sender as UserId, state_key: '' },
    content: { users: { [stage.remote.user('mallory')]: 100 } },
  });
  const authorities: Record<string, (scene: Scene) => Promise<RoomEvent>> = {
    'made in the name of a local user': ({ room }) => room.build(power(stage.alice.userId)),
    'signed by nobody': ({ room, mallory }) => room.build(power(mallory), { signers: [] }),
    'beyond the power of who made it': ({ room, mallory }) => room.build(power(mallory)),
    'of another room': async ({ mallory }) =>
      (await joinedRoom(() => Promise.resolve())).build({ ...power(mallory) }),
  };
  test.each(Object.keys(authorities))('%s', async (name) => {
    const [scene, bystander] = [await newScene(stage), await newScene(stage)];
    const { room, roomId, mallory } = scene;
    const levels = (await authorities[name]?.(scene)) as RoomEvent;
    const members = [room.current('m.room.create'), room.current('m.room.member', mallory)] as RoomEvent[];
    const draft = { type: 'm.room.topic', sender: mallory, state_key: '', content: { topic: 'mine' } };
    const topic = await room.build(draft, { auth: idsOf([...members, levels]) });
    const shown = [...room.authChain(idsOf(members)), ...members, levels];
    const honest = stage.remote.on('GET', EVENT_AUTH, () => ({
      body: { auth_chain: shown.map(({ pdu }) => pdu) },
    }));
    try {
      stage.remote.received.length = 0;
      await deliver(scene, topic.pdu);
      await stage.remote.until('question for authority', (one) => one.path.includes('/event_auth/'));
      await proveUnharmed(scene);
    } finally {
      honest();
    }
    await proveUnharmed(bystander);
    expect([await read(roomId, levels), await read(roomId, topic)]).toEqual([
      '404 M_NOT_FOUND',
      '404 M_NOT_FOUND',
    ]);
    // Only one that its maker did sign is kept, as what it is.
    const stored = name.startsWith('beyond') ? 'rejectedOutlier' : undefined;
    expect(await log.statusOf(levels.eventId)).toBe(stored);
    expect((await stage.alice.state(roomId, 'm.room.power_levels'))['users']).toEqual({
      [stage.alice.userId]: 100,
    });
    expect(outcome(await stage.alice.request('GET', path`/v3/rooms/${roomId}/state/m.room.topic/`))).toBe(
      '404 M_NOT_FOUND',
    );
  });

  test('changed after it was hashed, but for what the rules see of it', async () => {
    const scene = await newScene(stage);
    const { room, roomId, mallory, follower } = scene;
    const again = { type: 'm.room.member', sender: mallory, state_key: mallory };
    const member = await room.build({ ...again, content: { membership: 'join', displayname: 'signed' } });
    const auth = idsOf([
      room.current('m.room.create'),
      room.current('m.room.power_levels'),
      member,
    ] as RoomEvent[]);
    const said = await room.build(says(mallory, 'by that authority'), { auth });
    const lie = { ...member.pdu, content: { membership: 'join', displayname: 'put there' } };
    const honest = stage.remote.on('GET', EVENT_AUTH, () => ({
      body: {
        auth_chain: [...room.authChain([member.eventId]), ...room.authChain(auth)]
          .map(({ pdu }) => pdu)
          .concat(lie),
      },
    }));
    try {
      await deliver(scene, said.pdu);
      await follower.untilEvent(roomId, said.eventId, 20_000);
    } finally {
      honest();
    }
    expect(await log.statusOf(member.eventId)).toBe('outlier');
    expect(JSON.stringify(follower.answers)).not.toContain('put there');
    expect(await stage.alice.state(roomId, 'm.room.member', mallory)).toEqual({ membership: 'join' });
  });
});

test('a server that the ACL denies says nothing itself; what it said before others bring (behaviour 49)', async () => {
  const scene = await newScene(stage);
  const { room, roomId, mallory, follower } = scene;
  const eve = denied.user('eve');
  const theirs = await denied.join(stage.atoll, roomId, eve);
  const before = await stage.alice.send(roomId, 'eve is here');
  await follower.untilEvent(roomId, before);
  await denied.until('event', ({ text }) => text.includes('eve is here'));
  await stage.alice.setState(roomId, 'm.room.server_acl', {
    allow: ['*'],
    deny: ['127.0.0.1'],
    allow_ip_literals: true,
  });

  // What it sends for itself, and what it brings of others.
  const own = await theirs.build(says(eve, 'I am denied'));
  const relayed = await room.build(says(mallory, 'by way of the denied'), { prev: theirs.heads });
  const answer = await denied.transaction(stage.atoll, { pdus: [own.pdu, relayed.pdu] });
  expect(answer.status).toBe(200);
  const results = answer.body['pdus'] as Record<string, { error?: string }>;
  expect(Object.values(results).map(({ error }) => error)).toEqual([expect.any(String), expect.any(String)]);
  for (const question of [
    path`/v1/state_ids/${roomId}` + query({ event_id: before }),
    path`/v1/event_auth/${roomId}/${before}`,
    path`/v1/backfill/${roomId}` + query({ v: before, limit: 10 }),
    path`/v1/make_join/${roomId}/${denied.user('friend')}` + query({ ver: '11' }),
    path`/v1/make_leave/${roomId}/${eve}`,
  ]) {
    const refused = await denied.send(stage.atoll, 'GET', `/_matrix/federation${question}`);
    expect([question, refused.status]).toEqual([question, 403]);
  }
  await proveUnharmed(scene);
  for (const event of [own, relayed]) {
    expect(await read(roomId, event)).toBe('404 M_NOT_FOUND');
    expect(await log.statusOf(event.eventId)).toBeUndefined();
  }

  // Lists bind servers to each other, not events to the graph: what an allowed server brings is judged by its own rules.
  await deliver(scene, own.pdu);
  await follower.untilEvent(roomId, own.eventId, 20_000);
  expect(await log.statusOf(own.eventId)).toBe('accepted');
  const strange = await theirs.build(says(denied.user('stranger'), 'never in the room'));
  await deliver(scene, strange.pdu);
  await proveUnharmed(scene);
  expect(await read(roomId, strange)).toBe('404 M_NOT_FOUND');
  expect(await log.statusOf(strange.eventId)).toBe('rejected');
});
