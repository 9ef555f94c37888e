import { ExchangeThirdPartyInvite, partitionOf } from '@atoll/contract';
import { EVENT_STATUS, EventReader } from '@atoll/database';
import { generateSigningKey, signJson } from '@atoll/event-crypto';
import type { FederationClient, FetchJson } from '@atoll/federation-client';
import {
  type EventId,
  type JsonObject,
  type JsonValue,
  MatrixError,
  type RoomId,
  type UserId,
} from '@atoll/matrix';
import { CommandContext } from '@atoll/redis-streams';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EVE, HS2, RemoteServer } from '../remote-server.spec-support.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { ExchangeThirdPartyInviteHandler } from './exchange-third-party-invite.handler.js';

const IDENTITY_SERVER = 'identity.example';
const TOKEN = 'abc';

describe('exchanging a third-party invite', () => {
  const identity = generateSigningKey();
  let service: TestRoomState;
  let remote: RemoteServer;
  let roomId: RoomId;
  /** What `hs2` was asked to sign. */
  let asked: JsonObject[];
  let isSilent: boolean;
  /** What identity servers were asked, and what they answer. */
  let questions: string[];
  let answers: (url: string) => JsonValue | undefined | Promise<JsonValue | undefined>;

  const send: FederationClient['send'] = async (_server, _method, path, content) => {
    asked.push({ path, ...(content as JsonObject) });
    if (!isSilent) return remote.signInvite(content);
    const error = new MatrixError(502, 'M_UNKNOWN', 'not there');
    return { outcome: 'failed', kind: 'unreachable', error };
  };

  const fetchJson: FetchJson = async (url) => {
    questions.push(url);
    const body = await answers(url);
    if (body !== undefined) return { outcome: 'answered', status: 200, body };
    const error = new MatrixError(504, 'M_UNKNOWN', 'no answer');
    return { outcome: 'failed', kind: 'timeout', error };
  };

  beforeAll(async () => {
    service = await startTestRoomState({ federation: { send }, fetchJson });
    remote = new RemoteServer(service);
    await remote.publishKey();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    [asked, isSilent, questions] = [[], false, []];
    answers = () => ({ valid: true });
    roomId = await service.createRoom();
    await invitedByMail({ display_name: 'e…@…', public_key: identity.publicKey });
  });

  const invitedByMail = (content: JsonObject, sender = ALICE) =>
    service.send({ roomId, sender, type: 'm.room.third_party_invite', stateKey: TOKEN, content });
  const signedFor = async (mxid: UserId, token = TOKEN, key = identity) =>
    (await signJson({ mxid, token }, IDENTITY_SERVER, key)) as unknown as JsonObject;
  async function exchange(target: UserId, signed?: JsonObject, sender = ALICE, room = roomId) {
    const input = { roomId: room, sender, target, signed: signed ?? (await signedFor(target)) };
    const partition = partitionOf(room, 8);
    const context = new CommandContext(
      ExchangeThirdPartyInvite.pattern,
      `exchange of ${target}`,
      Date.now() + 10_000,
      partition,
      1,
      1,
    );
    return service.module.get(ExchangeThirdPartyInviteHandler).handle(input, context);
  }
  const stored = async (eventId: EventId | null) =>
    (await new EventReader(service.database).byIds([eventId as EventId])).get(eventId as EventId);
  const join = { type: 'm.room.member', state_key: EVE, content: { membership: 'join' } };

  it('invites a user of another server, with the signature of that server', async () => {
    const { eventId } = await exchange(EVE);
    const event = await stored(eventId);
    expect(event).toMatchObject({
      status: EVENT_STATUS.accepted,
      pdu: {
        sender: ALICE,
        state_key: EVE,
        content: {
          membership: 'invite',
          third_party_invite: { display_name: 'e…@…', signed: await signedFor(EVE) },
        },
      },
    });
    expect(Object.keys(event?.pdu.signatures ?? {}).sort()).toEqual(['hs1', HS2]);
    expect(asked).toMatchObject([{ room_version: '12', invite_room_state: expect.any(Array) }]);
    expect((await remote.send(roomId, '12', join)).outcome).toBe('accepted');
  });

  it('invites a user of this server without asking another', async () => {
    const { eventId } = await exchange(BOB);
    expect(await stored(eventId)).toMatchObject({
      status: EVENT_STATUS.accepted,
      pdu: { sender: ALICE, state_key: BOB, content: { membership: 'invite' } },
    });
    expect(asked).toEqual([]);
  });

  it('invites no user of this server who blocks invites', async () => {
    const dave = '@dave:hs1' as UserId;
    await service.accountData(dave, 'm.invite_permission_config', { default_action: 'block' });
    await expect(exchange(dave)).rejects.toMatchObject({ status: 403, errcode: 'M_INVITE_BLOCKED' });
    expect(questions).toEqual([]);
  });

  it('leaves who is invited or joined where they are', async () => {
    await exchange(EVE);
    expect(await exchange(EVE)).toEqual({ eventId: null });
    await remote.send(roomId, '12', join);
    expect(await exchange(EVE)).toEqual({ eventId: null });
    expect(asked).toHaveLength(1);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a token that the room does not know', async () => exchange(EVE, await signedFor(EVE, 'other'))],
    ['no token', () => exchange(EVE, { mxid: EVE, signatures: {} })],
    [
      'a signature by another key',
      async () => exchange(EVE, await signedFor(EVE, TOKEN, generateSigningKey())),
    ],
    ['what was signed for somebody else', async () => exchange(EVE, await signedFor(BOB))],
    ['an invite that another user sent', () => exchange(EVE, undefined, BOB)],
    ['an invite that a user of another server sent', () => exchange(EVE, undefined, EVE)],
    [
      'an invite that was taken back',
      async () => {
        await invitedByMail({});
        return exchange(EVE);
      },
    ],
    [
      'a banned user',
      async () => {
        await service.membership({ roomId, sender: ALICE, target: EVE, action: 'ban' });
        return exchange(EVE);
      },
    ],
  ])('refuses %s', async (_, act) => {
    await expect(act()).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    expect(asked).toEqual([]);
  });

  it('does not undo a kick, unless the user was invited anew', async () => {
    await exchange(EVE);
    await remote.send(roomId, '12', join);
    await service.membership({ roomId, sender: ALICE, target: EVE, action: 'kick' });
    await expect(exchange(EVE)).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    await invitedByMail({ display_name: 'again', public_key: identity.publicKey });
    expect(await exchange(EVE)).toEqual({ eventId: expect.any(String) });
  });

  it('is good once: not for who has left since', async () => {
    await exchange(EVE);
    await remote.send(roomId, '12', join);
    await remote.send(roomId, '12', { ...join, content: { membership: 'leave' } });
    await expect(exchange(EVE)).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
  });

  it('knows nothing of rooms that this server is not in', async () => {
    const room = '!elsewhere:hs3' as RoomId;
    await expect(exchange(EVE, undefined, ALICE, room)).rejects.toMatchObject({ status: 404 });
    await service.membership({ roomId, sender: ALICE, target: ALICE, action: 'leave' });
    await expect(exchange(EVE)).rejects.toMatchObject({ status: 404, errcode: 'M_NOT_FOUND' });
  });

  it('invites nobody without the signature of the server', async () => {
    isSilent = true;
    await expect(exchange(EVE)).rejects.toMatchObject({ status: 502 });
    expect((await remote.send(roomId, '12', join)).outcome).toBe('rejected');
  });

  describe('with keys that may be revoked', () => {
    const VALIDITY_URL = 'https://identity.example/_matrix/identity/v2/pubkey/isvalid';
    const other = generateSigningKey();
    const encoded = encodeURIComponent(identity.publicKey);

    it.each([EVE, BOB])('asks the VALIDITY_URL of the very key that signed (%s)', async (target) => {
      const public_keys = [
        { public_key: other.publicKey, key_validity_url: 'https://other.example/' },
        { public_key: identity.publicKey, key_validity_url: `${VALIDITY_URL}?a=b%20c` },
      ];
      await invitedByMail({ display_name: 'e', public_key: other.publicKey, public_keys });
      expect(await exchange(target)).toEqual({ eventId: expect.any(String) });
      expect(questions).toEqual([`${VALIDITY_URL}?a=b%20c&public_key=${encoded}`]);
    });

    it('asks about the next key that signed when one is revoked, and not about more', async () => {
      const twice = (await signJson(
        { mxid: EVE, token: TOKEN },
        IDENTITY_SERVER,
        identity,
      )) as unknown as JsonObject;
      const signed = (await signJson(twice as never, 'second.example', other)) as unknown as JsonObject;
      const public_keys = [other, identity].map(({ publicKey: public_key }) => ({
        public_key,
        key_validity_url: VALIDITY_URL,
      }));
      await invitedByMail({
        display_name: 'e',
        public_key: identity.publicKey,
        key_validity_url: VALIDITY_URL,
        public_keys,
      });
      answers = (url) => ({ valid: !url.includes(encoded) });
      expect(await exchange(EVE, signed)).toEqual({ eventId: expect.any(String) });
      const keys = questions.map((url) => (url.includes(encoded) ? 'first' : 'second'));
      expect(keys).toEqual(['first', 'second']);
    });

    it.each<[string, JsonValue | undefined, number]>([
      ['says that the key is revoked', { valid: false }, 403],
      ['does not answer', undefined, 502],
      ['answers something else', { valid: 'true' }, 502],
      ['answers no object', [true], 502],
    ])('invites nobody when the identity server %s', async (_, answer, status) => {
      answers = () => answer;
      await invitedByMail({
        display_name: 'e',
        public_key: identity.publicKey,
        key_validity_url: VALIDITY_URL,
      });
      for (const target of [EVE, BOB]) await expect(exchange(target)).rejects.toMatchObject({ status });
      expect([asked, questions.length]).toEqual([[], 2]);
      expect((await remote.send(roomId, '12', join)).outcome).toBe('rejected');
    });

    it('invites nobody when the VALIDITY_URL is none', async () => {
      await invitedByMail({ display_name: 'e', public_key: identity.publicKey, key_validity_url: 'x' });
      await expect(exchange(EVE)).rejects.toMatchObject({ status: 502 });
      expect(questions).toEqual([]);
    });

    it('asks for nobody who may not be invited', async () => {
      await invitedByMail({
        display_name: 'e',
        public_key: identity.publicKey,
        key_validity_url: VALIDITY_URL,
      });
      const forged = await signedFor(EVE, TOKEN, other);
      await expect(exchange(EVE, forged)).rejects.toMatchObject({ status: 403 });
      await service.membership({ roomId, sender: ALICE, target: EVE, action: 'ban' });
      await expect(exchange(EVE)).rejects.toMatchObject({ status: 403 });
      expect(questions).toEqual([]);
    });

    it('does not hold the room meanwhile, and looks again at what has changed', async () => {
      await invitedByMail({
        display_name: 'e',
        public_key: identity.publicKey,
        key_validity_url: VALIDITY_URL,
      });
      answers = async () => {
        await invitedByMail({
          display_name: 'e',
          public_key: identity.publicKey,
          key_validity_url: `${VALIDITY_URL}2`,
        });
        return { valid: true };
      };
      await expect(exchange(EVE)).rejects.toMatchObject({ status: 403 });
      expect(asked).toEqual([]);
    });
  });

  describe('by another server', () => {
    const FRANK = '@frank:hs2' as UserId;
    const invite = (signed: JsonObject) => ({
      type: 'm.room.member',
      state_key: FRANK,
      content: { membership: 'invite', third_party_invite: { display_name: 'f', signed } },
    });

    it('is taken when the identity server signed, although the sender’s server did not, and only then', async () => {
      await exchange(EVE);
      await remote.send(roomId, '12', join);
      const bySender = { ...invite(await signedFor(FRANK)), sender: ALICE };
      expect((await remote.send(roomId, '12', bySender)).outcome).toBe('accepted');
      const forged = invite(await signedFor(FRANK, TOKEN, generateSigningKey()));
      expect((await remote.send(roomId, '12', { ...forged, sender: ALICE })).outcome).toBe('rejected');
    });
  });
});
