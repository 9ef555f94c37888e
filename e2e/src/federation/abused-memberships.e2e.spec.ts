import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateSigningKey, signJson } from '@atoll/event-crypto';
import type { JsonObject, Pdu, RoomEvent, ServerName, UserId } from '@atoll/matrix';
import {
  hangUp,
  makeMembership,
  path,
  query,
  redirect,
  RoomLog,
  sendMembership,
  type RemoteAnswer,
} from '@atoll/testing';
import { outcome } from '../users.js';
import { membershipOf } from './across.js';
import { deliver, newScene, proveUnharmed, setStage, type Scene, type Stage } from './stage.js';

const MAKE_KNOCK = '/_matrix/federation/v1/make_knock/:roomId/:userId';

let stage: Stage;
let log: RoomLog;
beforeAll(async () => {
  stage = await setStage();
  log = await RoomLog.connect(stage.atoll.databaseUrl);
});
afterAll(async () => {
  await log.close();
  await stage.stop();
});

const eve = () => stage.remote.user('eve');
const member = (membership: string, user = eve(), content: JsonObject = {}) => ({
  ...{ type: 'm.room.member', sender: user, state_key: user },
  content: { membership, ...content },
});

/** Waits until the scripted server has all that the local user did in the room. */
async function settle({ roomId }: Scene): Promise<void> {
  const text = `settled in ${roomId}`;
  await stage.alice.send(roomId, text);
  await stage.remote.until('news', (request) => request.text.includes(text));
}

/** Brings a member event of the scripted server by the endpoint for it. */
const bring = (membership: 'join' | 'knock', { room }: Scene, event: RoomEvent) =>
  sendMembership(stage.remote, stage.atoll, membership, { room, event });

/** The room knows nothing of the event or of the user, and goes on; what is stored is stored as refused. */
async function expectNothingCame(scene: Scene, event: RoomEvent, status?: string): Promise<void> {
  const seen = await proveUnharmed(scene);
  expect(JSON.stringify(seen)).not.toContain(event.eventId);
  const answer = await stage.alice.request('GET', path`/v3/rooms/${scene.roomId}/event/${event.eventId}`);
  expect(outcome(answer)).toBe('404 M_NOT_FOUND');
  expect(await log.statusOf(event.eventId)).toBe(status);
}

describe('a knock', () => {
  /** A room of the local user on which others may knock, unless the join rule says otherwise. */
  async function knockRoom(rule = 'knock'): Promise<Scene> {
    const scene = await newScene(stage);
    await stage.alice.setState(scene.roomId, 'm.room.join_rules', { join_rule: rule });
    await settle(scene);
    return scene;
  }
  const knock = ({ room }: Scene, fields: Partial<Pdu> = {}) => room.build({ ...member('knock'), ...fields });

  test.each<[string, () => Partial<Pdu>]>([
    ['for somebody else of the same server', () => ({ state_key: stage.remote.user('frank') })],
    ['for a local user', () => ({ state_key: stage.alice.userId })],
    ['by a local user', () => ({ sender: stage.alice.userId as UserId, state_key: stage.alice.userId })],
    ['by a user of a third server', () => member('knock', stage.other.user('eve'))],
  ])('%s is refused, however it comes', async (_, fields) => {
    const scene = await knockRoom();
    const event = await knock(scene, fields());
    const answer = await bring('knock', scene, event);
    expect([400, 403]).toContain(answer.status);
    await expectNothingCame(scene, event);
    await deliver(scene, event.pdu);
    const { sender, state_key: key = '' } = event.pdu;
    // What its sender did sign is an event that the rules refuse.
    const isSigned = sender === eve();
    await expectNothingCame(scene, event, isSigned ? 'rejected' : undefined);
    const known = key === stage.alice.userId ? 'join' : undefined;
    expect(await membershipOf(stage.alice, scene.roomId, key)).toBe(known);
  });

  test.each(['public', 'invite', 'restricted'])(
    'on a room of the rule %s is not taken, nor signed',
    async (rule) => {
      const scene = await knockRoom(rule);
      await expect(makeMembership(stage.remote, stage.atoll, 'knock', scene.roomId, eve())).rejects.toThrow(
        '403',
      );
      const event = await knock(scene);
      const answer = await bring('knock', scene, event);
      expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      expect(answer.text).not.toContain('signatures');
      await deliver(scene, event.pdu);
      await expectNothingCame(scene, event, 'rejected');
      expect(await membershipOf(stage.alice, scene.roomId, eve())).toBeUndefined();
    },
  );

  test('after a ban is refused, and one from before it changes nothing', async () => {
    const scene = await knockRoom();
    const { roomId } = scene;
    const prev = scene.room.heads;
    const early = await makeMembership(stage.remote, stage.atoll, 'knock', roomId, eve());
    await stage.alice.ban(roomId, eve());
    await expect(makeMembership(stage.remote, stage.atoll, 'knock', roomId, eve())).rejects.toThrow('403');
    expect((await bring('knock', scene, early.event)).status).toBe(403);
    const old = await scene.room.build(member('knock', eve(), { reason: 'from the past' }), { prev });
    await deliver(scene, old.pdu);
    await expectNothingCame(scene, old, 'softFailed');
    await expectNothingCame(scene, early.event, 'softFailed');
    expect(await membershipOf(stage.alice, roomId, eve())).toBe('ban');
  });

  test.each<[string, (event: Pdu) => object]>([
    ['a join', (event) => ({ ...event, content: { membership: 'join' } })],
    ['a leave', (event) => ({ ...event, content: { membership: 'leave' } })],
    ['more power', (event) => ({ ...event, type: 'm.room.power_levels', state_key: '', content: {} })],
    ['a knock of another', (event) => ({ ...event, state_key: stage.remote.user('mallory') })],
    ['a knock on another room', (event) => ({ ...event, room_id: `!other:${stage.remote.serverName}` })],
  ])('of ours is not turned into %s that we sign', async (_, falsify) => {
    const { remote, alice } = stage;
    const room = await remote.createRoom({ creator: remote.user('mallory'), joinRule: 'knock' });
    const honest = remote.on('GET', MAKE_KNOCK, async () => {
      const { pdu } = await room.build(member('knock', alice.userId as UserId));
      return { body: { room_version: '11', event: falsify(pdu) } };
    });
    const ask = () =>
      alice.request('POST', path`/v3/knock/${room.roomId}` + query({ via: remote.serverName }), {});
    remote.received.length = 0;
    try {
      const { status } = await ask();
      const sent = remote.received.flatMap(({ method, body }) => (method === 'PUT' ? body : []));
      // Either nothing is signed, or just the knock that the user wanted.
      for (const event of sent)
        expect(event).toMatchObject({ ...member('knock', alice.userId as UserId), room_id: room.roomId });
      expect(sent.length === 0 ? status >= 400 : status === 200).toBe(true);
    } finally {
      honest();
    }
    expect(outcome(await ask())).toBe('200');
  });
});

describe('a join that the condition of a room allows', () => {
  /** A restricted room of the local user; eve of the scripted server fulfils its condition. */
  async function restrictedRoom(): Promise<Scene> {
    const lobby = await newScene(stage);
    await stage.remote.join(stage.atoll, lobby.roomId, eve());
    const scene = await newScene(stage);
    const allow = [{ type: 'm.room_membership', room_id: lobby.roomId }];
    await stage.alice.setState(scene.roomId, 'm.room.power_levels', {
      users: { [stage.alice.userId]: 100 },
      invite: 50,
    });
    await stage.alice.setState(scene.roomId, 'm.room.join_rules', { join_rule: 'restricted', allow });
    await settle(scene);
    return scene;
  }
  const by = (authoriser: string, { room }: Scene, signers = [stage.remote]) =>
    room.build(member('join', eve(), { join_authorised_via_users_server: authoriser }), { signers });

  const authorisers: Record<string, () => string> = {
    'a local user who is not in the room': () => `@nobody:${stage.atoll.serverName}`,
    'a user of its own server without the power to invite': () => stage.remote.user('mallory'),
    'a user of its own server who is not in the room': () => stage.remote.user('nobody'),
    'a user of a third server': () => stage.other.user('nobody'),
    'what is no user': () => stage.atoll.serverName,
  };
  test.each(Object.keys(authorisers))('is refused by the authority of %s', async (name) => {
    const scene = await restrictedRoom();
    const event = await by(authorisers[name]?.() ?? '', scene);
    const answer = await bring('join', scene, event);
    expect([400, 403]).toContain(answer.status);
    expect(answer.text).not.toContain('signatures');
    await deliver(scene, event.pdu);
    const seen = await proveUnharmed(scene);
    expect(JSON.stringify(seen)).not.toContain(event.eventId);
    expect(await membershipOf(stage.alice, scene.roomId, eve())).toBeUndefined();
    expect(['rejected', undefined]).toContain(await log.statusOf(event.eventId));
  });

  test('is refused without the signature of the server that is said to allow it', async () => {
    const scene = await restrictedRoom();
    const event = await by(stage.alice.userId, scene);
    await deliver(scene, event.pdu);
    await expectNothingCame(scene, event);
    const { key } = stage.remote;
    const forged = await by(stage.alice.userId, scene, [
      stage.remote,
      { serverName: stage.atoll.serverName, key } as never,
    ]);
    await deliver(scene, forged.pdu);
    await expectNothingCame(scene, forged);
    expect(await membershipOf(stage.alice, scene.roomId, eve())).toBeUndefined();
    // The very event is signed once the server itself is asked: it may be.
    const answer = await bring('join', scene, event);
    expect(answer.status).toBe(200);
    const { signatures } = answer.body['event'] as unknown as Pdu;
    expect(Object.keys(signatures)).toContain(stage.atoll.serverName);
  });

  test('is refused to who does not fulfil it, and to who is banned', async () => {
    const scene = await restrictedRoom();
    const join = (user: UserId) =>
      scene.room.build(member('join', user, { join_authorised_via_users_server: stage.alice.userId }));
    const stranger = await join(stage.remote.user('stranger'));
    expect((await bring('join', scene, stranger)).status).toBe(403);
    await expectNothingCame(scene, stranger);
    await stage.alice.ban(scene.roomId, eve());
    const banned = await join(eve());
    expect((await bring('join', scene, banned)).status).toBe(403);
    expect(await membershipOf(stage.alice, scene.roomId, eve())).toBe('ban');
    await proveUnharmed(scene);
  });
});

describe('an invite by e-mail', () => {
  const identity = generateSigningKey();
  const IS_VALID = '/_matrix/identity/v2/pubkey/isvalid';
  const TOKEN = 'a token';

  /** Has eve's server exchange an invite that the local user made, and its identity server say what it likes. */
  async function exchange(answer: RemoteAnswer) {
    const scene = await newScene(stage);
    const { serverName } = stage.other;
    const keys = { public_key: identity.publicKey, key_validity_url: `https://${serverName}${IS_VALID}` };
    await stage.alice.setState(
      scene.roomId,
      'm.room.third_party_invite',
      { display_name: 'e…', ...keys },
      TOKEN,
    );
    const signed = await signJson({ mxid: eve(), token: TOKEN }, serverName as ServerName, identity);
    const content = { membership: 'invite', third_party_invite: { display_name: '', signed } };
    const { roomId } = scene;
    const event = {
      type: 'm.room.member',
      room_id: roomId,
      sender: stage.alice.userId,
      state_key: eve(),
      content,
    };
    const undo = stage.other.on('GET', IS_VALID, () => answer);
    stage.other.received.length = 0;
    try {
      const target = path`/_matrix/federation/v1/exchange_third_party_invite/${roomId}`;
      const { status } = await stage.remote.send(stage.atoll, 'PUT', target, event, { timeoutMs: 40_000 });
      return { scene, status, asked: [...stage.other.received] };
    } finally {
      undo();
    }
  }

  test('is exchanged when the identity server stands by its key', async () => {
    const { scene, status, asked } = await exchange({ body: { valid: true } });
    expect([status, asked.map(({ query }) => query.get('public_key'))]).toEqual([200, [identity.publicKey]]);
    // An identity server learns nothing more.
    expect(asked[0]?.credentials).toBeUndefined();
    expect(await membershipOf(stage.alice, scene.roomId, eve())).toBe('invite');
  });

  test.each<[string, RemoteAnswer, number]>([
    ['has revoked its key', { body: { valid: false } }, 403],
    ['leads to this machine', redirect('https://127.0.0.1/trap'), 502],
    ['hangs up', hangUp, 502],
  ])(
    'is not exchanged when the identity server %s',
    async (_, answer, expected) => {
      const { scene, status } = await exchange(answer);
      expect(status).toBe(expected);
      expect(await membershipOf(stage.alice, scene.roomId, eve())).toBeUndefined();
      await proveUnharmed(scene);
    },
    60_000,
  );
});
