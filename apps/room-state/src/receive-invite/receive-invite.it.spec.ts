import { partitionOf, ReceiveInvite } from '@atoll/contract';
import { RoomReader } from '@atoll/database';
import type { FederationClient } from '@atoll/federation-client';
import type { EventId, JsonObject, Pdu, RoomId, UserId } from '@atoll/matrix';
import { CommandContext } from '@atoll/redis-streams';
import { contentHash, eventIdOf, type RoomVersionRules, rulesOf, signEvent } from '@atoll/room-rules';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EVE, HS2, RemoteServer } from '../remote-server.spec-support.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { ReceiveInviteHandler } from './receive-invite.handler.js';

const VERSION = '10';
const RULES = rulesOf(VERSION) as RoomVersionRules;
const MALLORY = '@mallory:hs2' as UserId;
const DAVE = '@dave:hs1' as UserId;
const SOMETHING = [`$${'x'.repeat(43)}` as EventId];

describe('an invite by another server', () => {
  let service: TestRoomState;
  let remote: RemoteServer;
  let roomId: RoomId;
  /** The other server takes no leaves: the inviter has left, and it with him. */
  const send: FederationClient['send'] = () =>
    Promise.resolve({
      outcome: 'refused',
      status: 403,
      errcode: 'M_FORBIDDEN',
      body: { errcode: 'M_FORBIDDEN' },
    });

  beforeAll(async () => {
    service = await startTestRoomState({ federation: { send } });
    remote = new RemoteServer(service);
    await remote.publishKey();
  });
  afterAll(() => service.stop());
  beforeEach(() => {
    roomId = `!${randomUUID()}:hs2` as RoomId;
  });

  /** In a room of which this server has nothing. */
  async function member(membership: string, sender: UserId = EVE, target: UserId = BOB): Promise<Pdu> {
    const pdu = {
      ...{ type: 'm.room.member', room_id: roomId, sender, state_key: target, content: { membership } },
      ...{ origin_server_ts: Date.now(), depth: 9, prev_events: SOMETHING, auth_events: SOMETHING },
      ...{ hashes: { sha256: '' }, signatures: {} },
    };
    return signEvent({ ...pdu, hashes: { sha256: contentHash(pdu, RULES) } }, RULES, HS2, remote.key);
  }
  function receive(pdu: Pdu, strippedState: JsonObject[] = []) {
    const context = new CommandContext(
      ReceiveInvite.pattern,
      randomUUID(),
      Date.now() + 10_000,
      partitionOf(roomId, 8),
      1,
      1,
    );
    const eventId = eventIdOf(pdu, RULES);
    const input = {
      roomId,
      origin: HS2,
      eventId,
      roomVersion: VERSION,
      pdu: JSON.stringify(pdu),
      strippedState,
    };
    return service.module.get(ReceiveInviteHandler).handle(input, context);
  }
  const outcomeOf = async (pdu: Pdu) =>
    (await service.accept({ roomId, pdus: [JSON.stringify(pdu)] })).results[0]?.outcome;
  const held = async (user = BOB) => {
    const reader = new RoomReader(service.database);
    return (await reader.membershipOf(user, (await reader.byId(roomId))?.roomNid ?? 0))?.membership;
  };
  const reject = () => service.membership({ roomId, sender: BOB, target: BOB, action: 'leave' });

  it('comes back with the signature of this server', async () => {
    const { pdu } = await receive(await member('invite'));
    expect(Object.keys((JSON.parse(pdu) as Pdu).signatures).sort()).toEqual(['hs1', HS2]);
    expect(await held()).toBe('invite');
  });

  it('is taken back by whoever sent it, by nobody else', async () => {
    await receive(await member('invite'));
    for (const becomes of ['leave', 'ban']) {
      expect(await outcomeOf(await member(becomes, MALLORY))).toBe('refused');
    }
    expect(await outcomeOf(await member('join', EVE))).toBe('refused');
    expect(await held()).toBe('invite');
    expect(await outcomeOf(await member('leave'))).toBe('accepted');
    expect(await held()).toBe('leave');
  });

  it('is rejected as often as it comes, whatever its server says to that', async () => {
    for (let times = 0; times < 3; times += 1) {
      await receive(await member('invite'));
      expect(await held()).toBe('invite');
      expect(await reject()).toEqual({ eventId: expect.any(String) });
      expect(await held()).toBe('leave');
      expect(await reject()).toEqual({ eventId: null });
    }
  });

  it.each<[string, () => Promise<Pdu>]>([
    ['a leave', () => member('leave')],
    ['an invite of a user of another server', () => member('invite', EVE, '@gus:hs3' as UserId)],
    ['an invite by a user of this server', () => member('invite', ALICE)],
    ['an invite by a user whose port is no number', () => member('invite', '@eve:hs2:port' as UserId)],
    ['a topic', async () => ({ ...(await member('invite')), type: 'm.room.topic' })],
    ['an event that nobody signed', async () => ({ ...(await member('invite')), signatures: {} })],
    [
      'an invite to another room',
      async () => ({ ...(await member('invite')), room_id: '!other:hs2' as RoomId }),
    ],
  ])('is not %s', async (_, make) => {
    await expect(receive(await make())).rejects.toMatchObject({ status: 400 });
    expect(await held()).toBeUndefined();
  });

  it('is refused, and nothing of it kept, when the user blocks it', async () => {
    await service.accountData(DAVE, 'm.invite_permission_config', { default_action: 'block' });
    await expect(receive(await member('invite', EVE, DAVE))).rejects.toMatchObject({
      ...{ status: 403, errcode: 'M_INVITE_BLOCKED' },
    });
    expect(await new RoomReader(service.database).byId(roomId)).toBeUndefined();
  });

  describe('to a room that this server is in', () => {
    beforeEach(async () => {
      roomId = await service.createRoom({}, VERSION);
      await service.send({
        ...{ roomId, sender: ALICE, type: 'm.room.join_rules', stateKey: '' },
        content: { join_rule: 'public' },
      });
      const join = { type: 'm.room.member', state_key: EVE, content: { membership: 'join' } };
      expect(await remote.send(roomId, VERSION, join)).toMatchObject({ outcome: 'accepted' });
    });
    const invite = { type: 'm.room.member', state_key: BOB, content: { membership: 'invite' } };

    it('is an event like any other', async () => {
      await receive(await remote.event(roomId, VERSION, invite));
      expect(await held()).toBe('invite');
      await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
      expect(await held()).toBe('join');
    });

    it('is refused when the rules of the room refuse it', async () => {
      const pdu = await remote.event(roomId, VERSION, { ...invite, sender: MALLORY });
      await expect(receive(pdu)).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
      expect(await held()).toBeUndefined();
    });
  });
});
