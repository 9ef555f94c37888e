import {
  type Command,
  MakeMembership,
  partitionOf,
  ReceiveMembership,
  type RemoteMembership,
} from '@atoll/contract';
import type { FederationClient } from '@atoll/federation-client';
import type { EventId, JsonObject, Pdu, RoomId, UserId } from '@atoll/matrix';
import { CommandContext } from '@atoll/redis-streams';
import { eventIdOf, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MakeMembershipHandler } from '../make-membership/make-membership.handler.js';
import { EVE, HS2, type RemoteEvent, RemoteServer } from '../remote-server.spec-support.js';
import { ALICE, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { ReceiveMembershipHandler } from './receive-membership.handler.js';

const FRANK = '@frank:hs2' as UserId;
const RULES = rulesOf('12') as RoomVersionRules;

describe('member events of other servers’ users', () => {
  let service: TestRoomState;
  let remote: RemoteServer;
  let roomId: RoomId;

  beforeAll(async () => {
    const send: FederationClient['send'] = (_server, _method, _path, content) => remote.signInvite(content);
    service = await startTestRoomState({ federation: { send } });
    remote = new RemoteServer(service);
    await remote.publishKey();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    roomId = await service.createRoom({ preset: 'public_chat' });
  });

  const context = (pattern: Command['pattern']) =>
    new CommandContext(pattern, 'key', Date.now() + 10_000, partitionOf(roomId, 8), 1, 1);
  const member = (membership: string, user = EVE) => ({
    ...{ type: 'm.room.member', sender: user, state_key: user },
    content: { membership },
  });
  async function bring(
    membership: RemoteMembership,
    said: RemoteEvent,
    more: { eventId?: EventId; pdu?: Partial<Pdu> } = {},
  ) {
    const pdu = { ...(await remote.event(roomId, '12', said)), ...more.pdu };
    const eventId = more.eventId ?? eventIdOf(pdu, RULES);
    const input = { roomId, origin: HS2, eventId, membership, pdu: JSON.stringify(pdu) };
    return service.module.get(ReceiveMembershipHandler).handle(input, context(ReceiveMembership.pattern));
  }
  const make = (membership: RemoteMembership, userId = EVE, versions = ['12']) =>
    service.module
      .get(MakeMembershipHandler)
      .handle({ roomId, userId, membership, versions }, context(MakeMembership.pattern));
  const moderate = (action: 'invite' | 'ban' | 'kick', target = EVE) =>
    service.membership({ roomId, sender: ALICE, target, action });
  const joinRule = (content: JsonObject) =>
    service.send({ roomId, sender: ALICE, type: 'm.room.join_rules', stateKey: '', content });
  const FORBIDDEN = { status: 403, errcode: 'M_FORBIDDEN' };

  describe.each<[RemoteMembership, string]>([
    ['join', 'leave'],
    ['leave', 'join'],
    ['knock', 'join'],
  ])('brought as a %s', (membership, other) => {
    const { state_key: _, ...stateless } = member(membership);
    it.each<[string, RemoteEvent]>([
      ['is of another type', { ...member(membership), type: 'm.room.topic' }],
      ['is no state', stateless],
      ['has another membership', member(other)],
      ['has no membership', { ...member(membership), content: {} }],
      ['is about somebody else', { ...member(membership), state_key: FRANK }],
      ['has a port that is no number', member(membership, '@eve:hs2:port' as UserId)],
    ])('is malformed when it %s', async (_name, said) => {
      await expect(bring(membership, said)).rejects.toMatchObject({ status: 400 });
    });

    it('is malformed under another id, and for another room', async () => {
      const eventId = `$${'A'.repeat(43)}` as EventId;
      await expect(bring(membership, member(membership), { eventId })).rejects.toMatchObject({ status: 400 });
      const elsewhere = { ...member(membership), room_id: await service.createRoom() };
      await expect(bring(membership, elsewhere)).rejects.toMatchObject({ status: 400 });
    });

    it('is refused unsigned, and for users of other servers', async () => {
      const unsigned = { pdu: { signatures: {} } };
      await expect(bring(membership, member(membership), unsigned)).rejects.toMatchObject(FORBIDDEN);
      const strange = member(membership, '@gus:hs3' as UserId);
      await expect(bring(membership, strange)).rejects.toMatchObject(FORBIDDEN);
    });
  });

  it('do not let a banned user in behind the back of another', async () => {
    await moderate('ban', FRANK);
    await expect(make('join', FRANK)).rejects.toMatchObject(FORBIDDEN);
    const { event } = await make('join', EVE);
    expect(event).toMatchObject({ sender: EVE, state_key: EVE });
    await expect(bring('join', member('join', FRANK))).rejects.toMatchObject(FORBIDDEN);
    await bring('join', member('join', EVE));
  });

  it('are answered the same when they come again', async () => {
    const pdu = JSON.stringify(await remote.event(roomId, '12', member('join')));
    const eventId = eventIdOf(JSON.parse(pdu) as Pdu, RULES);
    const input = { roomId, origin: HS2, eventId, membership: 'join' as const, pdu };
    const handler = service.module.get(ReceiveMembershipHandler);
    const first = await handler.handle(input, context(ReceiveMembership.pattern));
    expect(await handler.handle(input, context(ReceiveMembership.pattern))).toEqual(first);
  });

  describe('knocking', () => {
    const refused = async () => {
      await expect(make('knock')).rejects.toMatchObject(FORBIDDEN);
      await expect(bring('knock', member('knock'))).rejects.toMatchObject(FORBIDDEN);
    };

    it.each(['public', 'invite', 'private', 'restricted', 'none'])(
      'are refused by the rule %s',
      async (rule) => {
        await joinRule({ join_rule: rule });
        await refused();
      },
    );

    it('are refused of those who are invited, joined or banned', async () => {
      await joinRule({ join_rule: 'knock' });
      await moderate('invite');
      await refused();
      await bring('join', member('join'));
      await refused();
      await moderate('ban');
      await refused();
    });

    it('may come again, after a refusal as well', async () => {
      await joinRule({ join_rule: 'knock' });
      await bring('knock', member('knock'));
      await bring('knock', { ...member('knock'), content: { membership: 'knock', reason: 'please' } });
      await moderate('kick');
      await bring('knock', member('knock'));
    });

    it('need a room version that the server knows', async () => {
      await joinRule({ join_rule: 'knock' });
      await expect(make('knock', EVE, ['10'])).rejects.toMatchObject({
        ...{ status: 400, errcode: 'M_INCOMPATIBLE_ROOM_VERSION', extra: { room_version: '12' } },
      });
    });
  });
});
