import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Pdu, RoomEvent } from '@atoll/matrix';
import {
  endless,
  hangUp,
  path,
  query,
  redirect,
  silence,
  slowLoris,
  truncated,
  wrongContentType,
  type RemoteAnswer,
  type RemoteRoom,
} from '@atoll/testing';
import { outcome } from '../users.js';
import { setStage, type Stage } from './stage.js';

const MAKE_JOIN = '/_matrix/federation/v1/make_join/:roomId/:userId';
const SEND_JOIN = '/_matrix/federation/v2/send_join/:roomId/:eventId';
/** The same of one room. */
const ofRoom = (pattern: string, { roomId }: RemoteRoom) =>
  pattern.replace(':roomId', encodeURIComponent(roomId));

let stage: Stage;
/** What takes as long as the homeserver's patience: it waits for all of them at once, while it is asked for everything else. */
const slow = new Map<string, Promise<void>>();
beforeAll(async () => {
  stage = await setStage();
  for (const [name, answer] of Object.entries(endlessTemplates)) {
    const refused = newRoom().then((room) => refuseInTime(room, 'GET', MAKE_JOIN, answer));
    refused.catch(() => undefined);
    slow.set(name, refused);
  }
});
afterAll(() => stage.stop());

const newRoom = (version = '11'): Promise<RemoteRoom> =>
  stage.remote.createRoom({ creator: stage.remote.user('mallory'), version });

/** The local user asks to join a room by way of the scripted server. */
function askToJoin({ roomId }: RemoteRoom, via = [stage.remote.serverName], timeoutMs?: number) {
  const servers = via.map((server) => query({ via: server }).slice(1)).join('&');
  const options = timeoutMs === undefined ? {} : { timeoutMs };
  return stage.alice.request('POST', `${path`/v3/join/${roomId}`}?${servers}`, {}, options);
}

async function expectNotJoined({ roomId }: RemoteRoom): Promise<void> {
  const { joined_rooms: rooms } = await stage.alice.expect('GET', '/v3/joined_rooms');
  expect(rooms).not.toContain(roomId);
  expect((await stage.alice.sync()).rooms?.join?.[roomId]).toBeUndefined();
}

/** The same room is joined once its server answers honestly. */
async function expectJoinedInTheEnd(room: RemoteRoom): Promise<void> {
  expect(outcome(await askToJoin(room))).toBe('200');
  const { eventId } = await room.say(stage.remote.user('mallory'), 'welcome');
  const follower = await stage.alice.follow();
  await stage.remote.transaction(stage.atoll, { pdus: [room.events.get(eventId)?.pdu as Pdu] });
  await follower.untilEvent(room.roomId, eventId, 20_000);
}

/** What makes an answer unusable, whatever was asked. */
const broken: Record<string, () => RemoteAnswer> = {
  'the end of the connection': () => hangUp,
  'a text without end': () => endless,
  'half of what it announced': () => truncated({ event: {} }),
  'a redirect to this machine': () => redirect(`https://${stage.other.serverName}/trap`),
  'a web page': () => wrongContentType({ room_version: '11', event: {}, state: [], auth_chain: [] }),
  'no JSON': () => ({ text: '{"room_version":' }),
  'JSON that is no object': () => ({ text: '[[]]' }),
  nothing: () => ({ body: {} }),
};

/** What is answered, and has no end that the homeserver can wait for. */
const endlessTemplates: Record<string, RemoteAnswer> = {
  'nothing for ever': silence,
  'a byte every second': slowLoris({ room_version: '11', event: { content: 'x'.repeat(1_000) } }, 1_000),
};

/** Rooms do not get into each other's way: the server lies about one of them only. */
const refuseInTime = async (room: RemoteRoom, method: string, pattern: string, answer: RemoteAnswer) => {
  const honest = stage.remote.on(method, ofRoom(pattern, room), () => answer);
  try {
    const { status } = await askToJoin(room, undefined, 90_000);
    expect(status).toBeGreaterThanOrEqual(400);
  } finally {
    honest();
  }
  await expectNotJoined(room);
  await expectJoinedInTheEnd(room);
  expect(stage.other.received.filter((request) => request.path === '/trap')).toEqual([]);
};

describe('a join is refused in time when the resident server answers', () => {
  test.each(Object.keys(broken))(
    'to make_join and to send_join: %s',
    async (name) => {
      await Promise.all([
        refuseInTime(await newRoom(), 'GET', MAKE_JOIN, broken[name]?.() ?? hangUp),
        refuseInTime(await newRoom(), 'PUT', SEND_JOIN, broken[name]?.() ?? hangUp),
      ]);
    },
    120_000,
  );

  const templates: Record<string, (room: RemoteRoom) => RemoteAnswer> = {
    'a room version that nobody knows': () => ({ body: { room_version: 'none', event: {} } }),
    'another event': ({ roomId }) => ({
      body: { room_version: '11', event: { type: 'm.room.power_levels', room_id: roomId, content: {} } },
    }),
  };
  test.each(Object.keys(templates))(
    'to make_join: %s',
    async (name) => {
      const room = await newRoom();
      await refuseInTime(room, 'GET', MAKE_JOIN, templates[name]?.(room) ?? hangUp);
    },
    120_000,
  );
});

/** An honest answer to `/send_join`, changed. */
type Falsify = (answer: JoinAnswer, room: RemoteRoom) => Promise<unknown> | object;

interface JoinAnswer {
  readonly event: Pdu;
  readonly state: readonly Pdu[];
  readonly auth_chain: readonly Pdu[];
  readonly [key: string]: unknown;
}

const createIn = ({ state }: JoinAnswer): Pdu => state.find(({ type }) => type === 'm.room.create') as Pdu;

describe('a join is refused when the resident server tells of', () => {
  const falsified: Record<string, Falsify> = {
    'no create event': (answer) => ({
      ...answer,
      state: answer.state.filter(({ type }) => type !== 'm.room.create'),
      auth_chain: answer.auth_chain.filter(({ type }) => type !== 'm.room.create'),
    }),
    'the create event of another room': async (answer) => {
      const other = (await newRoom()).current('m.room.create') as RoomEvent;
      const swap = (pdu: Pdu) => (pdu.type === 'm.room.create' ? other.pdu : pdu);
      return { ...answer, state: answer.state.map(swap), auth_chain: answer.auth_chain.map(swap) };
    },
    'a create event of another room version': (answer) => {
      const create = createIn(answer);
      const content = { ...create.content, room_version: '3' };
      const swap = (pdu: Pdu) => (pdu === create ? { ...create, content } : pdu);
      return { ...answer, state: answer.state.map(swap), auth_chain: answer.auth_chain.map(swap) };
    },
    'state that is no list': (answer) => ({ ...answer, state: {} }),
    'no state': ({ auth_chain }) => ({ auth_chain, state: [] }),
    'a ban of the user who joins': async (answer, room) => {
      const mallory = stage.remote.user('mallory');
      const ban = await room.build({
        ...{ type: 'm.room.member', sender: mallory, state_key: stage.alice.userId },
        content: { membership: 'ban' },
      });
      return { ...answer, state: [...answer.state, ban.pdu] };
    },
  };
  test.each(Object.keys(falsified))('%s', async (name) => {
    const room = await newRoom();
    const honest = stage.remote.on('PUT', SEND_JOIN, async ({ body }) => {
      const event = body as unknown as Pdu;
      const state = room.eventsOf(room.state.values());
      const chain = room.authChain(state.map(({ eventId }) => eventId));
      const answer = { event, state: state.map(({ pdu }) => pdu), auth_chain: chain.map(({ pdu }) => pdu) };
      return { body: await falsified[name]?.(answer, room) };
    });
    try {
      const answer = await askToJoin(room);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    } finally {
      honest();
    }
    await expectNotJoined(room);
    await expectJoinedInTheEnd(room);
  });
});

test('state that is unsigned or badly signed is left out of a join that succeeds (behaviour 45)', async () => {
  const room = await newRoom();
  const mallory = stage.remote.user('mallory');
  const name = { type: 'm.room.name', sender: mallory, state_key: '', content: { name: 'unsigned' } };
  const unsigned = room.add(await room.build(name, { signers: [] }));
  expect(outcome(await askToJoin(room))).toBe('200');
  const answer = await stage.alice.request('GET', path`/v3/rooms/${room.roomId}/event/${unsigned.eventId}`);
  expect(outcome(answer)).toBe('404 M_NOT_FOUND');
  const state = await stage.alice.request('GET', path`/v3/rooms/${room.roomId}/state/m.room.name/`);
  expect(outcome(state)).toBe('404 M_NOT_FOUND');
});

test('a join goes on to the next server when one does not answer (behaviour 44)', async () => {
  const room = await newRoom();
  stage.other.on('GET', MAKE_JOIN, () => hangUp);
  const answer = await askToJoin(room, [stage.other.serverName, stage.remote.serverName]);
  expect(outcome(answer)).toBe('200');
});

test.each(Object.keys(endlessTemplates))(
  'a join is refused in time when the resident server answers to make_join: %s',
  async (name) => {
    expect(slow.has(name)).toBe(true);
    await slow.get(name);
  },
  120_000,
);
